"""Mixed precision on a CPU: which depthwise convolutions stay in float32, and that others do not."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reid_fusedloss.engine import BF16OptimWrapper
from reid_fusedloss.engine.training.slow_depthwise import SlowDepthwiseInFloat32

HALF = torch.bfloat16


def convolution(stride=2, groups=8, bias=False, kernel=3):
    torch.manual_seed(0)
    return nn.Conv2d(8, 8, kernel, stride, 1, groups=groups, bias=bias)


def images(dtype=HALF):
    return torch.rand(2, 8, 6, 5, generator=torch.Generator().manual_seed(1)).to(dtype)


def in_float32(conv, inputs):
    """What is expected, by the definition: the weights are not rounded to bfloat16."""
    return F.conv2d(inputs.float(), conv.weight, conv.bias, conv.stride, 1, 1, conv.groups).to(HALF)


def wrapped(conv, inputs):
    optimizer = BF16OptimWrapper(torch.optim.SGD(conv.parameters(), lr=0.1))
    with optimizer.optim_context(conv):
        return conv(inputs)


@pytest.mark.parametrize('bias', [False, True])
@pytest.mark.parametrize('stride', [2, (1, 2), 3])
def test_strided_depthwise_is_in_float32(stride, bias):
    conv, inputs = convolution(stride, bias=bias), images()
    found, expected = wrapped(conv, inputs), in_float32(conv, inputs)
    assert found.dtype == HALF and torch.equal(found, expected)
    with torch.autocast('cpu', dtype=HALF):
        assert not torch.equal(conv(inputs), expected)  # it makes a difference


@pytest.mark.parametrize('kernel', [5, (1, 5), (4, 1), 7])
def test_depthwise_with_a_large_kernel_is_in_float32(kernel):
    conv = convolution(1, kernel=kernel)
    assert torch.equal(wrapped(conv, images()), in_float32(conv, images()))


@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('in_group', [2, 3])
def test_few_channels_in_a_group_are_in_float32(in_group, stride):
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 6, 3, stride, 1, groups=6 // in_group)
    inputs = images()[:, :6]
    assert torch.equal(wrapped(conv, inputs), in_float32(conv, inputs))


@pytest.mark.parametrize(
    'conv',
    [
        convolution(stride=1),
        convolution(stride=1, kernel=(3, 1)),
        convolution(stride=1, groups=1, kernel=5),
        convolution(groups=1),
        convolution(groups=2),
        convolution(groups=2, kernel=5),
    ],
)
def test_others_are_in_bfloat16(conv):
    with torch.autocast('cpu', dtype=HALF):
        expected = conv(images())
    assert torch.equal(wrapped(conv, images()), expected)
    assert not torch.equal(expected, in_float32(conv, images()))


def test_one_channel_without_groups_is_not_depthwise():
    torch.manual_seed(0)
    conv, gray = nn.Conv2d(1, 8, 3, 2, 1), images()[:, :1]
    with torch.autocast('cpu', dtype=HALF):
        expected = conv(gray)
    assert torch.equal(wrapped(conv, gray), expected)
    assert not torch.equal(expected, in_float32(conv, gray))


def test_gradients_are_those_of_float32():
    conv, inputs = convolution(), images().requires_grad_()
    wrapped(conv, inputs).float().square().sum().backward()
    found = [conv.weight.grad, inputs.grad]
    conv.zero_grad()
    again = images().requires_grad_()
    in_float32(conv, again).float().square().sum().backward()
    assert found[0].dtype == torch.float32 and found[1].dtype == HALF
    for gradient, expected in zip(found, [conv.weight.grad, again.grad]):
        torch.testing.assert_close(gradient, expected, rtol=0, atol=0)


def test_float32_stays_float32():
    conv, inputs = convolution(), images(torch.float32)
    with SlowDepthwiseInFloat32():
        assert conv(inputs).dtype == torch.float32


def test_a_network_in_bfloat16_stays_so():
    conv = convolution(bias=True).to(HALF)
    with SlowDepthwiseInFloat32():
        found = conv(images())
    assert found.dtype == HALF
    rounded = convolution(bias=True)
    rounded.load_state_dict(conv.state_dict())
    torch.testing.assert_close(found, in_float32(rounded, images()), rtol=0, atol=0)


def test_after_the_step_nothing_is_left():
    conv = convolution()
    expected = wrapped(conv, images())
    with torch.autocast('cpu', dtype=HALF):
        assert not torch.equal(conv(images()), expected)
