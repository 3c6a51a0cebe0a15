"""EfficientNet-Lite: strides, and the start from a file."""

import pytest
import torch

from reid_fusedloss.models.backbones import EfficientNetLite

pytest.importorskip('timm')


def test_strides_change_the_map_and_no_weight():
    published, last1 = EfficientNetLite(), EfficientNetLite(strides=(1, 2, 2, 1))
    last1.load_state_dict(published.state_dict())
    published.eval(), last1.eval()
    images = torch.randn(1, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        (coarse,), (fine,) = published(images), last1(images)
        before = [
            model.blocks[:5](model.bn1(model.conv_stem(images))) for model in (published, last1)
        ]
    assert coarse.shape == (1, 1280, 2, 1) and fine.shape == (1, 1280, 4, 2)
    assert torch.equal(*before)
    assert all(part.dilation == (1, 1) for part in last1.modules() if hasattr(part, 'dilation'))


@pytest.mark.parametrize(
    'options, error, message',
    [
        (dict(arch='b0'), ValueError, "arch must be one of .*'b0'"),
        (dict(strides=(2, 2, 2, 1)), ValueError, 'strides must be four'),
        (dict(init_cfg='lite0.pth'), TypeError, 'init_cfg'),
    ],
)
def test_wrong_arguments(options, error, message):
    with pytest.raises(error, match=message):
        EfficientNetLite(**options)


def start(file, arch='lite0'):
    init_cfg = dict(type='Pretrained', checkpoint=str(file), prefix='backbone.')
    backbone = EfficientNetLite(arch, init_cfg=init_cfg)
    backbone.init_weights()
    return backbone


def test_a_start_that_fills_it(tmp_path):
    weights = EfficientNetLite().state_dict()
    state = {f'backbone.{name}': value for name, value in weights.items()}
    torch.save(dict(state_dict=state), tmp_path / 'lite0.pth')
    assert all(
        torch.equal(value, weights[name])
        for name, value in start(tmp_path / 'lite0.pth').state_dict().items()
    )
    with pytest.raises(ValueError, match=r"does not fill .* EfficientNetLite\(arch='lite1'\)"):
        start(tmp_path / 'lite0.pth', 'lite1')
    torch.save(weights, tmp_path / 'bare.pth')
    with pytest.raises(ValueError, match='backbone.conv_stem.weight is missing.*convert'):
        start(tmp_path / 'bare.pth')
