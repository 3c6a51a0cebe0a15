"""All layouts, and which of them a file has."""

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

# at most one of them matches
LAYOUTS: dict[str, tuple[Matches, Callable[..., Converted]]] = dict(
    strong_baseline=(strong_baseline.matches, strong_baseline.convert),
    fastreid=(fastreid.matches, fastreid.convert),
    transreid=(transreid.matches, transreid.convert),
    torchreid_osnet=(torchreid.matches_osnet, torchreid.convert_osnet),
    torchreid_resnet=(torchreid.matches_resnet, torchreid.convert_resnet),
    torchreid_mobilenetv2=(torchreid.matches_mobilenetv2, torchreid.convert_mobilenetv2),
    torchvision_resnet=(imagenet_cnn.matches_resnet, imagenet_cnn.convert_resnet),
    torchvision_mobilenetv2=(imagenet_cnn.matches_mobilenetv2, imagenet_cnn.convert_mobilenetv2),
    torchvision_mobilenetv3=(imagenet_cnn.matches_mobilenetv3, imagenet_cnn.convert_mobilenetv3),
    torchvision_convnext=(
        imagenet_transformers.matches_convnext,
        imagenet_transformers.convert_convnext,
    ),
    torchvision_swin=(imagenet_transformers.matches_swin, imagenet_transformers.convert_swin),
    torchvision_vit=(imagenet_transformers.matches_vit, imagenet_transformers.convert_vit),
    tonylins_mobilenetv2=(imagenet_cnn.matches_tonylins, imagenet_cnn.convert_tonylins),
    efficientnet_lite=(efficientnet_lite.matches, efficientnet_lite.convert),
)
AUTO = 'auto'


def detect(weights: Weights) -> str | None:
    """Name of the layout of these weights; None: they are ours, or unknown."""
    return next((name for name, (matches, _) in LAYOUTS.items() if matches(weights.keys())), None)


def convert(weights: Weights, layout: str = AUTO, camera: int | None = None) -> Converted:
    """Weights of another project under our names.

    Args:
        weights: name -> tensor, see `read_state_dict`.
        layout: name in `LAYOUTS`; 'auto': the one that the names show.
        camera: see `transreid.convert`; None for all others.

    Raises:
        ValueError: if the layout is unknown, or the weights are not of it or not whole.
        TypeError: if `camera` is no integer.
    """
    check_choice('layout', layout, (AUTO, *LAYOUTS))
    found = detect(weights)
    if found is None and any(name.startswith('backbone.') for name in weights):
        raise ValueError(
            f'the names of the weights ({shorten(list(weights))}) begin as those of '
            'this package and of mmpretrain: if they are, they need no conversion; '
            f'else they are of no layout that is known: {", ".join(LAYOUTS)}'
        )
    if layout == AUTO and found is None:
        raise ValueError(
            f'the names of the weights ({shorten(list(weights))}) are of no layout '
            f'that is known: {", ".join(LAYOUTS)}'
        )
    if layout not in (AUTO, found):
        raise ValueError(
            f'layout={layout!r}: the names of the weights ({shorten(list(weights))}) '
            f'are not of it, {"but of " + found if found else "nor of another one"}; '
            f'layout={AUTO!r} finds it'
        )
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
            f'the file is cut off, or of another network than the layout {found} covers: {error!r}'
        ) from error
    converted.layout = found
    return converted
