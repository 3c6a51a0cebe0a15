"""Features of torchvision's networks are those of torchvision."""

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import VisionTransformer

from reid_fusedloss.conversion import compare, convert, detect
from tests.configs.loading import resolve
from tests.conversion.formula import EXACT, draw_images, draw_weights
from tests.conversion.models import pooled


def convnext():
    blocks = [
        CNBlockConfig(16, 32, 1),
        CNBlockConfig(32, 48, 1),
        CNBlockConfig(48, 64, 2),
        CNBlockConfig(64, None, 1),
    ]
    return ConvNeXt(blocks, num_classes=3)


def swin():
    return SwinTransformer([4, 4], 24, [2, 2, 2, 2], [1, 2, 3, 4], [7, 7], num_classes=3)


def vit():
    return VisionTransformer(
        image_size=64,
        patch_size=16,
        num_layers=2,
        num_heads=3,
        hidden_dim=48,
        mlp_dim=96,
        num_classes=3,
    )


SWIN = dict(embed_dims=24, depths=[2, 2, 2, 2], num_heads=[1, 2, 3, 4])
VIT = dict(embed_dims=48, num_layers=2, num_heads=3, feedforward_channels=96)
# builder of torchvision's, its classifier, our backbone, size of the images, gain
CASES = dict(
    resnet=(models.resnet18, 'fc', dict(type='ResNet', depth=18), (64, 32), 0.6),
    mobilenetv2=(models.mobilenet_v2, 'classifier', dict(type='MobileNetV2'), (64, 32), 1.3),
    mobilenetv3=(
        models.mobilenet_v3_large,
        'classifier',
        dict(type='MobileNetV3', arch='large'),
        (64, 32),
        1.0,
    ),
    mobilenetv3_small=(
        models.mobilenet_v3_small,
        'classifier',
        dict(type='MobileNetV3', arch='small'),
        (64, 32),
        1.0,
    ),
    convnext=(
        convnext,
        'classifier.2',
        dict(type='ConvNeXt', arch=dict(depths=[1, 1, 2, 1], channels=[16, 32, 48, 64])),
        (64, 32),
        1.0,
    ),
    swin=(swin, 'head', dict(type='SwinTransformer', arch=SWIN), (224, 224), 1.0),
    vit=(vit, 'heads', dict(type='VisionTransformer', arch=VIT, img_size=64), (64, 64), 1.0),
)


@pytest.mark.slow
@pytest.mark.parametrize('name', CASES)
def test_features_are_torchvisions(name):
    make, classifier, config, size, gain = CASES[name]
    original = make()
    drawn = draw_weights(
        {
            key: tuple(value.shape)
            for key, value in original.state_dict().items()
            if value.is_floating_point()
        },
        gain,
    )
    original.load_state_dict(drawn, strict=False)
    assert detect(original.state_dict()) == f'torchvision_{name.split("_")[0]}'
    converted = convert(original.double().state_dict())
    weights = {key.removeprefix('backbone.'): value for key, value in converted.weights.items()}
    ours = MODELS.build(config)
    fit = compare(weights, ours.state_dict())
    assert not fit.unknown and not fit.shapes and not fit.missing
    ours.load_state_dict(weights)
    assert set(converted.left_over) == {
        key for key in original.state_dict() if key.startswith(classifier)
    }
    owner, _, attribute = classifier.rpartition('.')
    setattr(original.get_submodule(owner), attribute, nn.Identity())
    original.eval()
    ours.double()
    ours.eval()
    images = draw_images(2, *size)
    with torch.no_grad():
        expected, found = original(images), pooled(ours(images))
    assert (found - expected).abs().max() <= EXACT * expected.abs().max()


@pytest.mark.parametrize(
    'make, named',
    [
        (models.resnet34, 'paper/fusedloss_r50'),
        (models.mobilenet_v2, 'mobilenetv2/fused_256x128'),
        (models.mobilenet_v3_large, 'backbones/mobilenetv3_large'),
        (models.mobilenet_v3_small, None),
        (models.convnext_tiny, 'backbones/convnext_tiny'),
        (models.convnext_small, None),
        (models.swin_t, 'backbones/swin_tiny'),
        (models.swin_s, None),
        (models.vit_b_16, 'backbones/vit_base'),
        (models.vit_b_32, None),
    ],
)
def test_the_config_that_is_named_fits(make, named):
    with torch.device('meta'):
        converted = convert(make().state_dict())
    assert converted.config == named
    if named is not None:
        cfg = resolve(named)
        cfg.merge_from_dict(converted.options)
        cfg.model.head.num_classes = 2
        fill = cfg.train_dataloader.dataset.pipeline.erase.fill_color
        assert list(fill) == list(cfg.model.data_preprocessor.mean)[::-1]
        fit = compare(converted.weights, MODELS.build(cfg.model).state_dict())
        fit.check()
        assert not fit.unknown and all(key.startswith('head.') for key in fit.missing)
