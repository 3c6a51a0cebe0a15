"""EfficientNet-Lite: what of a file is refused, and the published files where they are at hand."""

import os
from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner import CheckpointLoader
from torch import nn
from torch.nn import functional as F

from reid_fusedloss.conversion import compare, convert, read_state_dict
from reid_fusedloss.engine.hooks.foreign_weights_hook import ForeignWeightsHook
from tests.configs.loading import resolve
from tests.conversion.formula import read_record

FOLDER = os.environ.get('EFFICIENTNET_LITE_WEIGHTS')


def weights_of(arch):
    return {
        name: torch.zeros(shape) for name, shape in read_record(f'efficientnet_{arch}')[0].items()
    }


@pytest.mark.parametrize('arch', ['lite0', 'lite2'])
def test_names_are_timms_in_the_files_order(arch):
    timm = pytest.importorskip('timm')
    own = timm.create_model(f'tf_efficientnet_{arch}').state_dict()
    found = convert(weights_of(arch)).weights
    names = [name for name in own if not name.startswith('classifier.')]
    assert [name.removeprefix('backbone.') for name in found] == names
    assert all(own[name].shape == found[f'backbone.{name}'].shape for name in names)


def test_the_classifier_alone_is_left_over():
    converted = convert(weights_of('lite0'))
    assert converted.left_over.keys() == {'_fc.weight', '_fc.bias'}
    assert len(converted.weights) == len(weights_of('lite0')) - 2


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda w: w.pop('_blocks.3._bn1.running_var'), r'1 tensors missing \(_blocks.3._bn1'),
        (lambda w: w.update({'_blocks.3._se_reduce.bias': torch.zeros(4)}), '1 tensors unknown'),
        (
            lambda w: w.update({'_blocks.3._project_conv.weight': torch.zeros(40, 144, 3, 3)}),
            r'_project_conv.weight is \(40, 144, 3, 3\), not \(40, 144, 1, 1\)',
        ),
        (lambda w: w.pop('_conv_head.weight'), 'is incomplete'),
        (
            lambda w: w.update({'_conv_head.weight': torch.zeros(1280, 384, 1, 1)}),
            '16 blocks and 384 channels .* lite0 16 and 320, lite1 21 and 320, lite2 21 and 352',
        ),
    ],
)
def test_another_file_is_refused(change, message):
    weights = weights_of('lite0')
    change(weights)
    with pytest.raises(ValueError, match=message):
        convert(weights)


def build(backbone, size='0'):
    cfg = resolve(f'backbones/efficientnet_lite{size}')
    cfg.model.backbone = dict(backbone, init_cfg=None)
    cfg.model.head.num_classes = 2
    return MODELS.build(cfg.model)


def load(model, weights):
    """As a training with `load_from` does."""
    runner = type('Runner', (), dict(model=model, _resume=False))()
    ForeignWeightsHook().after_load_checkpoint(runner, dict(state_dict=weights))


@pytest.mark.parametrize(
    'backbone',
    [
        dict(type='TIMMBackbone', model_name='efficientnet_lite0'),
        dict(type='reid_fusedloss.EfficientNetLite', arch='lite1'),
    ],
    ids=['without tf_', 'another size'],
)
def test_another_model_is_refused(backbone):
    """timm's twin has the same shapes, symmetric padding and another eps."""
    pytest.importorskip('timm')
    model, weights = build(backbone), weights_of('lite0')
    with pytest.raises(
        ValueError, match='another network.*configs/backbones/efficientnet_lite0.py'
    ):
        load(model, weights)
    load(build(dict(type='reid_fusedloss.EfficientNetLite', arch='lite0')), weights)


@pytest.mark.skipif(FOLDER is None, reason='EFFICIENTNET_LITE_WEIGHTS names no folder')
@pytest.mark.parametrize('arch, side', [('lite0', 224), ('lite2', 260)])
def test_logits_of_the_published_files(arch, side, monkeypatch):
    """Files and reference code of the Python packages, unpacked below the folder."""
    pytest.importorskip('timm')
    file = next(Path(FOLDER).rglob(f'efficientnet-{arch}-*.pth'))
    code = next(Path(FOLDER).rglob('efficientnet_lite_pytorch/model.py')).parents[1]
    monkeypatch.syspath_prepend(str(code))
    reference = pytest.importorskip('efficientnet_lite_pytorch').EfficientNet
    weights = read_state_dict(CheckpointLoader.load_checkpoint(str(file), map_location='cpu'))
    original: nn.Module = reference.from_name(f'efficientnet-{arch}')
    original.load_state_dict(weights)
    converted = convert(weights)
    model = build(dict(type='reid_fusedloss.EfficientNetLite', arch=arch), arch[-1])
    compare(converted.weights, model.state_dict()).check()
    model.load_state_dict(converted.weights, strict=False)
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = original.eval()(images)
        (feature,) = model.eval().extract_feat(images)
        found = F.linear(feature, weights['_fc.weight'], weights['_fc.bias'])
    assert expected.std() > 0.5 and (found - expected).abs().max() < 1e-5
