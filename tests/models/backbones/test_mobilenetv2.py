import pytest
import torch
from mmengine.registry import MODELS
from mmpretrain.models.backbones import MobileNetV2 as Published

SMALL = dict(widen_factor=0.1)


def build(**options):
    return MODELS.build(dict(type='reid_fusedloss.MobileNetV2', **SMALL, **options))


@pytest.mark.parametrize(
    'strides, shrinks',
    [((1, 2, 2, 2), 32), ((1, 2, 2, 1), 16), ((1, 2, 1, 1), 8), ((1, 1, 1, 1), 4)],
)
def test_output_is_the_image_over_four_times_the_strides(strides, shrinks):
    model = build(strides=strides)
    with torch.no_grad():
        (output,) = model(torch.rand(2, 3, 64, 32))
    assert output.shape == (2, 1280, 64 // shrinks, 32 // shrinks)


def test_published_strides_are_the_published_network():
    torch.manual_seed(0)
    published, ours = Published(**SMALL), build()
    ours.load_state_dict(published.state_dict())
    published.eval()
    ours.eval()
    images = torch.rand(2, 3, 64, 32)
    assert torch.equal(published(images)[0], ours(images)[0])


def test_weights_fit_whatever_the_strides():
    """And the network before the last step is untouched: features there are equal."""
    published, ours = Published(**SMALL), build(strides=[1, 2, 2, 1])
    result = ours.load_state_dict(published.state_dict())
    assert not result.missing_keys and not result.unexpected_keys
    published.out_indices = ours.out_indices = (4,)
    published.eval()
    ours.eval()
    images = torch.rand(2, 3, 64, 32)
    assert torch.equal(published(images)[0], ours(images)[0])


def test_other_networks_keep_their_strides():
    before = [list(layer) for layer in Published.arch_settings]
    build(strides=(1, 1, 1, 1))
    assert Published.arch_settings == before


def test_starts_from_pretrained_weights(tmp_path):
    published = Published(**SMALL)
    torch.save(
        {f'backbone.{key}': value for key, value in published.state_dict().items()},
        tmp_path / 'weights.pth',
    )
    model = build(
        strides=(1, 2, 2, 1),
        init_cfg=dict(
            type='Pretrained', checkpoint=str(tmp_path / 'weights.pth'), prefix='backbone.'
        ),
    )
    model.init_weights()
    for key, value in published.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key


@pytest.mark.parametrize('strides', [(2, 2, 2), (2, 2, 2, 2), (1, 2, 2, 3), ()])
def test_wrong_strides(strides):
    with pytest.raises(ValueError, match='strides must be four'):
        build(strides=strides)


def test_first_expansion_is_one_layer_more():
    """The published block behind an identity: the same features for images of any sign."""
    torch.manual_seed(0)
    published, ours = build(), build(expand_first=True)
    expansion = ours.layer1[0].conv[0]
    channels = expansion.conv.in_channels
    torch.nn.init.eye_(expansion.conv.weight.data[:, :, 0, 0])
    weights = {
        key.replace('layer1.0.conv.1', 'layer1.0.conv.2').replace(
            'layer1.0.conv.0', 'layer1.0.conv.1'
        ): value
        for key, value in published.state_dict().items()
    }
    result = ours.load_state_dict(weights, strict=False)
    assert not result.unexpected_keys
    assert all(key.startswith('layer1.0.conv.0.') for key in result.missing_keys)
    expansion.bn.eps = 0.0
    assert expansion.conv.weight.shape == (channels, channels, 1, 1)
    published.eval()
    ours.eval()
    images = torch.randn(2, 3, 64, 32)
    assert torch.allclose(published(images)[0], ours(images)[0], atol=1e-6)


@pytest.mark.parametrize(
    'rounded, channels',
    [
        (True, [48, 24, 32, 48, 88, 136, 224, 448, 1792]),
        (False, [44, 22, 33, 44, 89, 134, 224, 448, 1792]),
    ],
)
def test_rounding_of_channels(rounded, channels):
    """False: 32, 16, 24, 32, 64, 96, 160, 320, 1280 times 1.4, without what is behind the point."""
    model = MODELS.build(
        dict(type='reid_fusedloss.MobileNetV2', widen_factor=1.4, round_channels=rounded)
    )
    found = [model.conv1.conv.out_channels]
    found += [getattr(model, f'layer{i}')[-1].conv[-1].conv.out_channels for i in range(1, 8)]
    assert found + [model.conv2.conv.out_channels] == channels
    assert model(torch.rand(2, 3, 32, 32))[0].shape == (2, 1792, 1, 1)
