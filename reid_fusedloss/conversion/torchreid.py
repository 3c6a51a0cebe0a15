"""torchreid (Zhou and Xiang, 2019): OSNet, ResNet and MobileNetV2 with a linear classifier."""

import re
from typing import Any

from .converted import Converted, Weights
from .rename import NORM, RESNET, rename, resnet_options

HEAD = (
    (r'fc\.0\.(weight|bias)', r'neck.fc.\1'),
    (rf'fc\.1\.({NORM})', r'neck.norm.\1'),
    (r'classifier\.(weight|bias)', r'head.classifier.\1'),
)
OSNET = r'(conv[1-5]\..*|pool[23]\..*)'
OS = 'conv2.0.conv2a.conv1.weight'
AIN = 'conv2.0.conv2.0.layers.0.conv1.weight'
PLACES = {
    'conv1.conv': '0.conv',
    'conv1.bn': '0.bn',
    'dwconv2.conv': '1.conv',
    'dwconv2.bn': '1.bn',
    'conv3.0': '2.conv',
    'conv3.1': '2.bn',
}


def _mobilenetv2_block(name: re.Match) -> str:
    return f'backbone.layer{int(name[1]) - 1}.{name[2]}.conv.{PLACES[name[3]]}.{name[4]}'


MOBILENETV2 = (
    (rf'conv1\.(conv|bn)\.({NORM})', r'backbone.conv1.\1.\2'),
    (rf'conv9\.(conv|bn)\.({NORM})', r'backbone.conv2.\1.\2'),
    (rf'conv([2-8])\.(\d+)\.({"|".join(map(re.escape, PLACES))})\.({NORM})', _mobilenetv2_block),
)


def convert_osnet(weights: Weights) -> Converted:
    """Rename the weights of an OSNet of any width and variant."""
    renamed, left = rename(weights, ((OSNET, r'backbone.\1'), *HEAD))
    channels = len(weights['conv5.conv.weight'])
    variant = 'ain' if AIN in weights else 'ibn' if 'conv2.0.IN.weight' in weights else 'plain'
    config = 'ain_x1_0' if variant == 'ain' else 'x1_0'
    options: dict[str, Any] = {'model.backbone.variant': 'ibn'} if variant == 'ibn' else {}
    if (variant, channels) == ('plain', 128):
        config = 'x0_25'
    elif channels != 512:
        options |= {
            'model.backbone.widen_factor': channels / 512,
            'model.neck.in_channels': channels,
        }
    return Converted(renamed, left, config=f'published/torchreid_osnet_{config}', options=options)


def convert_resnet(weights: Weights) -> Converted:
    """Rename the weights of a ResNet, with or without a linear layer after the pooling."""
    renamed, left = rename(weights, ((f'({RESNET})', r'backbone.\1'), *HEAD))
    fc = 'fc.0.weight' in weights
    config = f'published/torchreid_resnet50{"_fc512" if fc else ""}'
    options = resnet_options(weights)
    if 'layer1.0.bn1.IN.weight' in weights:
        options |= {'model.backbone.type': 'reid_fusedloss.ResNet', 'model.backbone.ibn': True}
    return Converted(renamed, left, config=config, options=options)


def convert_mobilenetv2(weights: Weights) -> Converted:
    """Rename the weights of a MobileNetV2 of width 1.0 or 1.4."""
    renamed, left = rename(weights, (*MOBILENETV2, *HEAD))
    stem, last = (len(weights[f'{name}.conv.weight']) for name in ('conv1', 'conv9'))
    options = (
        {} if stem == 32 else {'model.backbone.widen_factor': 1.4, 'model.head.in_channels': last}
    )
    return Converted(renamed, left, config='published/torchreid_mobilenetv2_x1_0', options=options)
