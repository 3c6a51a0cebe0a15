import pytest
import torch
from mmengine.registry import MODELS
from mmpretrain.models.backbones import MobileNetV2 as Published

SMALL = dict(widen_factor=0.1)


def build(**options):
    return MODELS.build(dict(type='reid_fusedloss.MobileNetV2', **SMALL, **options))


@pytest.mark.parametrize('strides, shrinks', [
    ((1, 2, 2, 2), 32), ((1, 2, 2, 1), 16), ((1, 2, 1, 1), 8), ((1, 1, 1, 1), 4)])
def test_output_is_the_image_over_four_times_the_strides(strides, shrinks):
    model = build(strides=strides)
    with torch.no_grad():
        output, = model(torch.rand(2, 3, 64, 32))
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
    published.out_indices = ours.out_indices = (4, )
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
    torch.save({f'backbone.{key}': value for key, value in published.state_dict().items()},
               tmp_path / 'weights.pth')
    model = build(strides=(1, 2, 2, 1), init_cfg=dict(
        type='Pretrained', checkpoint=str(tmp_path / 'weights.pth'), prefix='backbone.'))
    model.init_weights()
    for key, value in published.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key


@pytest.mark.parametrize('strides', [(2, 2, 2), (2, 2, 2, 2), (1, 2, 2, 3), ()])
def test_wrong_strides(strides):
    with pytest.raises(ValueError, match='strides are four'):
        build(strides=strides)
