import pytest
import torch
from mmengine.registry import MODELS
from mmpretrain.models.backbones import ResNet as Published
from torch.nn import functional as F

from reid_fusedloss.models.backbones.resnet import InstanceBatchNorm2d

SMALL = dict(stem_channels=8, base_channels=8)
IMAGES = (2, 3, 64, 32)


def build(depth=18, **options):
    return MODELS.build(dict(type='reid_fusedloss.ResNet', depth=depth, **SMALL, **options))


@pytest.fixture
def images():
    return torch.randn(IMAGES, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('depth', [18, 50])
def test_without_options_it_is_the_published_network(depth, images):
    strides = (1, 2, 2, 1)
    published = Published(depth, strides=strides, out_indices=(1, 3), **SMALL)
    ours = build(depth, strides=strides, out_indices=(1, 3))
    ours.load_state_dict(published.state_dict())
    published.eval()
    ours.eval()
    for expected, found in zip(published(images), ours(images), strict=True):
        assert torch.equal(expected, found)


def test_ibn_is_in_the_first_normalisation_of_three_stages():
    model = build(50, ibn=True)
    found = {
        name for name, module in model.named_modules() if isinstance(module, InstanceBatchNorm2d)
    }
    assert found == {
        f'layer{stage}.{block}.bn1'
        for stage, blocks in ((1, 3), (2, 4), (3, 6))
        for block in range(blocks)
    }


def test_ibn_normalises_half_of_the_channels_by_image():
    torch.manual_seed(0)
    module, x = InstanceBatchNorm2d(5), torch.randn(3, 5, 4, 2) + 1
    torch.nn.init.uniform_(module.IN.weight)
    module.BN.running_mean.uniform_()
    module.eval()
    by_image = [
        [
            (plane - plane.mean()) / (plane.var(unbiased=False) + 1e-5).sqrt() * weight
            for plane, weight in zip(image, module.IN.weight)
        ]
        for image in x[:, :2]
    ]
    by_batch = F.batch_norm(x[:, 2:], module.BN.running_mean, module.BN.running_var)
    expected = torch.cat([torch.stack([torch.stack(image) for image in by_image]), by_batch], 1)
    assert torch.allclose(module(x), expected, atol=1e-6)


def test_non_local_blocks_start_as_the_identity(images):
    plain, ours = build(), build(non_local=(0, 1, 2, 0))
    ours.init_weights()
    result = plain.load_state_dict(ours.state_dict(), strict=False)
    assert not result.missing_keys
    plain.eval()
    ours.eval()
    assert torch.equal(plain(images)[0], ours(images)[0])


def test_non_local_blocks_follow_the_last_blocks(images):
    """What they add after the last block of a stage and the one before it, and nowhere else."""
    ours = build(non_local=(0, 0, 2, 0), out_indices=(2,))
    torch.nn.init.constant_(ours.non_local.layer3[1].conv_out.bn.bias, 5.0)
    ours.eval()
    with torch.no_grad():
        shifted = ours(images)[0]
        torch.nn.init.zeros_(ours.non_local.layer3[1].conv_out.bn.bias)
        assert torch.allclose(shifted, ours(images)[0] + 5)
        torch.nn.init.constant_(ours.non_local.layer3[0].conv_out.bn.bias, 5.0)
        x = ours.maxpool(ours.relu(ours.bn1(ours.conv1(images))))
        expected = ours.layer3[1](ours.layer3[0](ours.layer2(ours.layer1(x))) + 5)
        assert torch.allclose(ours(images)[0], expected)


def test_stem_of_the_strong_baseline(images):
    ours = build(stem_relu=False)
    ours.eval()
    x = F.max_pool2d(ours.bn1(ours.conv1(images)), 3, 2, 1)
    assert (x < 0).any()
    expected = ours.layer4(ours.layer3(ours.layer2(ours.layer1(x))))
    assert torch.equal(ours(images)[0], expected)


@pytest.mark.parametrize('height, mapped', [(64, 16), (61, 15), (62, 15)])
def test_pooling_that_rounds_up(height, mapped):
    """ceil((n - 3) / 2) + 1 of the n = ceil(height / 2) rows behind the convolution."""
    ours = build(pool_ceil=True, out_indices=(0,))
    assert ours(torch.rand(2, 3, height, 32))[0].shape == (2, 8, mapped, 8)


def test_starts_from_pretrained_weights(tmp_path):
    """Those of a plain ResNet; what they have not starts as it does otherwise."""
    published = Published(18, **SMALL)
    torch.nn.init.constant_(published.bn1.weight, 0.5)
    torch.save(published.state_dict(), tmp_path / 'weights.pth')
    model = build(
        non_local=(0, 1, 0, 0),
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth')),
    )
    model.init_weights()
    assert torch.equal(model.bn1.weight, published.bn1.weight)
    assert torch.equal(model.layer3[1].conv2.weight, published.layer3[1].conv2.weight)
    assert not model.non_local.layer2[0].conv_out.bn.weight.any()


@pytest.mark.parametrize(
    'options, error, message',
    [
        (dict(depth=20), ValueError, 'depth must be one of .*, got 20'),
        (dict(strides=(1, 2, 2)), TypeError, 'strides must be four'),
        (dict(strides=(1, 2, 2, 3)), ValueError, 'strides=3'),
        (dict(non_local=(0, 0, 3, 0)), ValueError, 'stage 3 at depth 18 has 2 blocks'),
        (dict(non_local=1), TypeError, 'non_local must be four'),
        (dict(out_indices=()), TypeError, 'out_indices must be stages'),
        (dict(out_indices=(4,)), ValueError, 'out_indices=4'),
        (dict(ibn=1), TypeError, 'ibn=1 must be True or False'),
        (dict(stem_relu=None), TypeError, 'stem_relu=None'),
    ],
)
def test_wrong_arguments(options, error, message):
    with pytest.raises(error, match=message):
        build(**options)
