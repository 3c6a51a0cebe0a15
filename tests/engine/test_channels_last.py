"""Layout of the weights, of what the backbone reads and of the gradient that it gets."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from torch import nn

from reid_fusedloss.engine.hooks import ChannelsLastHook


class Backbone(nn.Module):
    """Notes the layouts of its input and of the gradient of its output."""

    def __init__(self, wrap=tuple):
        super().__init__()
        self.conv, self.wrap, self.layouts = nn.Conv2d(3, 4, 3), wrap, {}

    def forward(self, images):
        self.layouts['input'] = is_channels_last(images)
        maps = self.conv(images)
        if maps.requires_grad:
            maps.register_hook(lambda g: self.layouts.update(gradient=is_channels_last(g)))
        outputs = maps * 1
        return (outputs,) if self.wrap is tuple else outputs


class Network(nn.Module):
    def __init__(self, wrap=tuple):
        super().__init__()
        self.backbone = Backbone(wrap)

    def forward(self, images):
        maps = self.backbone(images)
        return (maps[0] if isinstance(maps, tuple) else maps).mean((2, 3)).square().sum()


def is_channels_last(tensor):
    return tensor.is_contiguous(memory_format=torch.channels_last)


def images():
    return torch.rand(2, 3, 7, 6, generator=torch.Generator().manual_seed(0))


def gradients(model):
    """Of all weights, after a step on the same images."""
    model.zero_grad()
    model(images()).backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize('wrap', [tuple, None])
def test_gradient_and_weights_are_channels_last(wrap):
    torch.manual_seed(0)
    model = Network(wrap)
    before = gradients(model)
    assert model.backbone.layouts == dict(input=False, gradient=False)
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    after = gradients(model)
    assert model.backbone.layouts['gradient'] and is_channels_last(model.backbone.conv.weight)
    for gradient, expected in zip(after, before):
        torch.testing.assert_close(gradient, expected)


def test_no_gradient_no_hook():
    model = Network()
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    with torch.no_grad():
        assert torch.isfinite(model(images()))
    model.requires_grad_(False)
    assert torch.isfinite(model(images()))


def test_on_several_processes_the_weights_keep_their_layout(monkeypatch):
    torch.manual_seed(0)
    model = Network()
    wrapper = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(wrapper)
    wrapper.module = model
    before = gradients(model)
    ChannelsLastHook().before_run(SimpleNamespace(model=wrapper))
    after = gradients(model)
    assert model.backbone.layouts == dict(input=True, gradient=True)
    assert not is_channels_last(model.backbone.conv.weight)
    for gradient, expected in zip(after, before):
        torch.testing.assert_close(gradient, expected)
