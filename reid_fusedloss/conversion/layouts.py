"""The registry of layouts, their detection, and the conversion."""

from collections.abc import Callable, Collection
from typing import Any

from ..checks import check_choice, check_int
from . import (
    efficientnet_lite,
    fastreid,
    imagenet_cnn,
    imagenet_transformers,
    strong_baseline,
    torchreid,
    transreid,
)
from .converted import Converted, Weights, shorten

Matches = Callable[[Collection[str]], bool]


def _has(*wanted: str, without: str = '') -> Matches:
    """Match weights that have all wanted names, and lack one."""
    return lambda names: all(name in names for name in wanted) and without not in names


# how to detect a layout by its names, and its conversion; at most one layout matches
LAYOUTS: dict[str, tuple[Matches, Callable[..., Converted]]] = dict(
    strong_baseline=(_has('base.layer1.0.conv1.weight'), strong_baseline.convert),
    fastreid=(fastreid.matches, fastreid.convert),
    transreid=(_has('base.cls_token'), transreid.convert),
    torchreid_osnet=(
        lambda names: torchreid.OS in names or torchreid.AIN in names,
        torchreid.convert_osnet,
    ),
    torchreid_resnet=(_has('layer1.0.conv1.weight', 'classifier.weight'), torchreid.convert_resnet),
    torchreid_mobilenetv2=(_has('conv2.0.dwconv2.conv.weight'), torchreid.convert_mobilenetv2),
    torchvision_resnet=(
        _has('layer1.0.conv1.weight', without='classifier.weight'),
        imagenet_cnn.convert_resnet,
    ),
    torchvision_mobilenetv2=(_has('features.1.conv.0.0.weight'), imagenet_cnn.convert_mobilenetv2),
    torchvision_mobilenetv3=(_has('features.1.block.0.0.weight'), imagenet_cnn.convert_mobilenetv3),
    torchvision_convnext=(_has('features.1.0.layer_scale'), imagenet_transformers.convert_convnext),
    torchvision_swin=(  # version 2 has a `logit_scale`
        _has(
            'features.1.0.attn.relative_position_bias_table',
            without='features.1.0.attn.logit_scale',
        ),
        imagenet_transformers.convert_swin,
    ),
    torchvision_vit=(_has('conv_proj.weight', 'class_token'), imagenet_transformers.convert_vit),
    tonylins_mobilenetv2=(_has('features.1.conv.3.weight'), imagenet_cnn.convert_tonylins),
    efficientnet_lite=(efficientnet_lite.matches, efficientnet_lite.convert),
)
AUTO = 'auto'


def detect(weights: Weights) -> str | None:
    """Detect the layout of weights; None: they have our names, or unknown ones."""
    return next((name for name, (matches, _) in LAYOUTS.items() if matches(weights.keys())), None)


def convert(weights: Weights, layout: str = AUTO, camera: int | None = None) -> Converted:
    """Convert weights of another project to our names.

    Args:
        weights: name -> tensor, see `read_state_dict`.
        layout: name in `LAYOUTS`; 'auto': detect it from the names.
        camera: see `transreid.convert`; must be None for all other layouts.

    Raises:
        ValueError: if the layout is unknown, or the weights have another one or are incomplete.
        TypeError: if `camera` is not an integer.
    """
    check_choice('layout', layout, (AUTO, *LAYOUTS))
    found = detect(weights)
    if found is None or layout not in (AUTO, found):
        raise _wrong_layout(weights, layout, found)
    if camera is not None:
        check_int('camera', camera, least=0)
        if transreid.SIE not in weights:
            raise ValueError(
                f'camera={camera} is for weights of TransReID with {transreid.SIE}, '
                'and these have none: leave it out'
            )
    options: dict[str, Any] = {} if camera is None else dict(camera=camera)
    try:
        converted = LAYOUTS[found][1](weights, **options)
    except (LookupError, StopIteration) as error:
        raise ValueError(
            f'the file is incomplete, or of another network than the layout {found} covers: '
            f'{error!r}'
        ) from error
    converted.layout = found
    return converted


def _wrong_layout(weights: Weights, layout: str, found: str | None) -> ValueError:
    names = f'the names of the weights ({shorten(list(weights))})'
    known = f'they have no known layout: {", ".join(LAYOUTS)}'
    if found is None and any(name.startswith('backbone.') for name in weights):
        return ValueError(
            f'{names} start like those of this package and of mmpretrain: if they are, they need '
            f'no conversion; otherwise {known}'
        )
    if found is None and layout == AUTO:
        return ValueError(f'{names} are unknown: {known}')
    other = 'not this layout nor a known one' if found is None else f'not this layout, but {found}'
    return ValueError(f'layout={layout!r}: {names} have {other}; layout={AUTO!r} detects it')
