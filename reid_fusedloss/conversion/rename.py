"""Rename weights by rules, and what the layouts have in common."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from .converted import Weights, shorten

Replacement = str | Callable[[re.Match], str]

NORM = r'(?:weight|bias|running_mean|running_var|num_batches_tracked)'
# names in torchvision's ResNet, including IBN-a's two parts of a normalisation
RESNET = (
    r'(?:(?:layer[1-4]\.\d+\.)?(?:conv[123]\.weight|bn[123]\.(?:(?:IN|BN)\.)?'
    + NORM
    + r')|layer[1-4]\.\d+\.downsample\.(?:0\.weight|1\.'
    + NORM
    + r'))'
)
UNKNOWN = 'our models have no counterpart'
CLASSIFIER = 'classifier of ImageNet'  # why it is left out
# ImageNet's statistics of the channels R, G, B, for values from 0 to 255
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def rename(
    weights: Weights,
    rules: Sequence[tuple[str, Replacement]],
    left_out: Sequence[tuple[str, str]] = (),
    trunk: str = '',
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Apply to each name the first rule that matches all of it.

    Args:
        weights: weights of a file.
        rules: pairs of a regular expression and its replacement, as in `re.sub`.
        left_out: pairs of a regular expression and the reason why matching names are left out.
        trunk: prefix of the names of the backbone; '': every name without a rule counts as a name
            of the backbone.

    Returns:
        The renamed weights, and the names that were left out with the reasons.

    Raises:
        ValueError: if a weight of the backbone has no rule, or two weights get the same name: the
            features would differ.
    """
    taken: dict[str, Tensor] = {}
    sources: dict[str, str] = {}
    left: dict[str, str] = {}
    for name, value in weights.items():
        rule = next((rule for rule in rules if re.fullmatch(rule[0], name)), None)
        if rule is not None:
            new = re.sub(*rule, name)
            if new in taken:
                raise ValueError(
                    f'{sources[new]} and {name} of the file are both {new} here: the file '
                    'is of another network than the layout covers'
                )
            taken[new], sources[new] = value, name
        else:
            left[name] = next(
                (reason for pattern, reason in left_out if re.fullmatch(pattern, name)), UNKNOWN
            )
    lost = [name for name, reason in left.items() if reason == UNKNOWN and name.startswith(trunk)]
    if lost:
        raise ValueError(
            f'{len(lost)} weights of the backbone have no counterpart here '
            f'({shorten(lost)}): the file is of another network than the layout '
            'covers, or of another layout'
        )
    return taken, left


def count_blocks(weights: Weights, pattern: str) -> int:
    """Count blocks: one more than the highest number that the pattern's group matches, or 0."""
    found = [re.match(pattern, name) for name in weights]
    return max((int(match[1]) + 1 for match in found if match), default=0)


def resnet_depth(weights: Weights, prefix: str = '') -> int:
    """Return the depth of a ResNet whose names start with `prefix`."""
    blocks = count_blocks(weights, re.escape(prefix) + r'layer3\.(\d+)\.')
    bottleneck = f'{prefix}layer1.0.conv3.weight' in weights
    depths = {6: 50, 23: 101, 36: 152} if bottleneck else {2: 18, 6: 34}
    if blocks not in depths:
        raise ValueError(
            f'{prefix}layer3 has {blocks} blocks: no ResNet of 18, 34, 50, 101 or 152 layers'
        )
    return depths[blocks]


def resnet_options(weights: Weights, prefix: str = '') -> dict[str, Any]:
    """Return the keys to set in a config of ResNet-50 for another depth."""
    depth = resnet_depth(weights, prefix)
    options: dict[str, Any] = {} if depth == 50 else {'model.backbone.depth': depth}
    if depth < 50:
        options['model.head.in_channels'] = 512
    return options
