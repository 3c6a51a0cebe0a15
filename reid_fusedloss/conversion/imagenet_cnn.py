"""ImageNet weights of CNNs from torchvision, and of MobileNetV2 from Tonylins' repository."""

import re
from functools import partial
from itertools import accumulate

from .converted import Converted, Weights
from .rename import CLASSIFIER, NORM, RESNET, rename, resnet_options

MOBILENETV2_BLOCKS = (1, 2, 3, 4, 3, 3, 1)
# name in a block -> our name; the second dict is for the first block, which does not expand
TORCHVISION = (
    {'0.0': '0.conv', '0.1': '0.bn', '1.0': '1.conv', '1.1': '1.bn', '2': '2.conv', '3': '2.bn'},
    {'0.0': '0.conv', '0.1': '0.bn', '1': '1.conv', '2': '1.bn'},
)
TONYLINS = (
    {'0': '0.conv', '1': '0.bn', '3': '1.conv', '4': '1.bn', '6': '2.conv', '7': '2.bn'},
    {'0': '0.conv', '1': '0.bn', '3': '1.conv', '4': '1.bn'},
)
MOBILENETV3_PARTS = ('expand_conv', 'depthwise_conv', 'linear_conv')
LAYER = {'0': 'conv', '1': 'bn'}
Places = tuple[dict[str, str], dict[str, str]]


def convert_resnet(weights: Weights) -> Converted:
    """Rename the backbone, also of IBN-a; only the prefix differs."""
    renamed, left = rename(
        weights, ((f'({RESNET})', r'backbone.\1'),), ((r'fc\.(weight|bias)', CLASSIFIER),)
    )
    ibn = 'layer1.0.bn1.IN.weight' in weights
    config = 'backbones/resnet50_ibn' if ibn else 'paper/fusedloss_r50'
    return Converted(renamed, left, config=config, options=resnet_options(weights))


def convert_mobilenetv2(weights: Weights, places: Places = TORCHVISION) -> Converted:
    """Rename the backbone of a MobileNetV2, by default torchvision's.

    Args:
        weights: weights of the file.
        places: names in a block -> our names, for all blocks and for the first one.
    """
    others, first = places
    ends = list(accumulate(MOBILENETV2_BLOCKS))

    def block(name: re.Match) -> str:
        number = int(name[1]) - 1
        stage = next(stage for stage, end in enumerate(ends) if number < end)
        place = number - (ends[stage] - MOBILENETV2_BLOCKS[stage])
        layer = (others if number else first)[name[2]]
        return f'backbone.layer{stage + 1}.{place}.conv.{layer}.{name[3]}'

    def stem_or_last(name: re.Match) -> str:
        return f'backbone.conv{1 if name[1] == "0" else 2}.{LAYER[name[2]]}.{name[3]}'

    pattern = '|'.join(sorted({re.escape(place) for place in (*others, *first)}))
    rules = (
        (rf'features\.(0|18)\.([01])\.({NORM})', stem_or_last),
        (rf'features\.(\d+)\.conv\.({pattern})\.({NORM})', block),
    )
    renamed, left = rename(
        weights, rules, ((r'classifier(\.\d+)?\.(weight|bias)', CLASSIFIER),), 'features.'
    )
    published = len(weights['features.0.0.weight']) == 32
    return Converted(renamed, left, config='mobilenetv2/fused_256x128' if published else None)


convert_tonylins = partial(convert_mobilenetv2, places=TONYLINS)


def convert_mobilenetv3(weights: Weights) -> Converted:
    """Rename the backbone of MobileNetV3, large or small."""

    def stem_or_last(name: re.Match) -> str:
        return f'backbone.layer{name[1]}.{LAYER[name[2]]}.{name[3]}'

    def block(name: re.Match) -> str:
        weight = rf'features\.{name[1]}\.block\.(\d)\.0\.weight'
        found = (re.fullmatch(weight, key) for key in weights)
        convolutions = sorted(int(other[1]) for other in found if other)
        parts = MOBILENETV3_PARTS[-len(convolutions) :]
        return (
            f'backbone.layer{name[1]}.{parts[convolutions.index(int(name[2]))]}.'
            f'{LAYER[name[3]]}.{name[4]}'
        )

    rules = (
        (rf'features\.(\d+)\.([01])\.({NORM})', stem_or_last),
        (rf'features\.(\d+)\.block\.(\d)\.([01])\.({NORM})', block),
        (
            r'features\.(\d+)\.block\.\d\.fc([12])\.(weight|bias)',
            r'backbone.layer\1.se.conv\2.conv.\3',
        ),
    )
    renamed, left = rename(weights, rules, ((r'classifier\..*', CLASSIFIER),), 'features.')
    large = 'features.16.0.weight' in weights
    return Converted(renamed, left, config='backbones/mobilenetv3_large' if large else None)
