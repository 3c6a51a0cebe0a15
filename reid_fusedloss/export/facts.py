"""Make a file's card from a model and its config."""

from pathlib import Path
from typing import Any

from mmcv.transforms import Resize
from mmengine.config import Config
from mmengine.dataset import Compose
from mmpretrain.datasets.transforms import PackInputs
from mmpretrain.models.utils import ClsDataPreprocessor
from torch import Tensor, nn

from ..apis.inferencer import tested_distance
from ..datasets.load_image import LoadReIDImage
from ..datasets.pipeline import Pipeline, pipeline_steps
from ..engine.testing import tested_pipeline
from ..version import __version__
from .card import ModelCard


def describe(
    model: nn.Module,
    cfg: Config,
    feature_dims: int,
    *,
    normalise: str,
    channel_order: str,
    input_type: str,
    l2: bool,
) -> ModelCard:
    """Make the card of a model's file.

    Args:
        model: with a `ClsDataPreprocessor`.
        cfg: config of the model and of its test data.
        feature_dims: of its embeddings.
        normalise, channel_order, input_type, l2: see `ModelCard`.

    Raises:
        ValueError: if the preprocessing is more than a resize and a normalisation.
    """
    preprocessor = model.data_preprocessor
    if not isinstance(preprocessor, ClsDataPreprocessor) or preprocessor.pad_size_divisor > 1:
        raise ValueError(
            'only a ClsDataPreprocessor without padding can be exported, the model has '
            f'{preprocessor}'
        )
    mean, std = (
        _numbers(getattr(preprocessor, name)) if hasattr(preprocessor, name) else [default] * 3
        for name, default in (('mean', 0.0), ('std', 1.0))
    )
    if (channel_order == 'rgb') != preprocessor.to_rgb:
        mean, std = mean[::-1], std[::-1]
    return ModelCard(
        normalise=normalise,
        channel_order=channel_order,
        mean=tuple(mean),
        std=tuple(std),
        input_type=input_type,
        **_images(tested_pipeline(cfg)),
        feature_dims=feature_dims,
        l2=l2,
        distance=tested_distance(cfg),
        config=Path(cfg.filename or '').name,
        package='reid_fusedloss',
        package_version=__version__,
    )


def _numbers(values: Tensor) -> list[float]:
    """Convert with the fewest digits that give the same float32: 123.675, not 123.67500305."""
    return [float(str(value)) for value in values.flatten().cpu().numpy()]


def _images(pipeline: Pipeline) -> dict[str, Any]:
    """Read size, interpolation and decoder from a test pipeline."""
    steps = Compose(pipeline_steps(pipeline)).transforms
    names = [type(step).__name__ for step in steps]
    kinds = [vars(type(step)).get('SAME_RESULTS_AS', type(step)) for step in steps]
    if kinds != [LoadReIDImage, Resize, PackInputs]:
        raise ValueError(
            'only a test pipeline of LoadReIDImage, Resize and PackInputs can be exported, '
            f'this one has {names}'
        )
    load, resize, _ = steps
    if resize.keep_ratio or resize.scale is None:
        raise ValueError(
            f'only a Resize to one `scale` without keep_ratio can be exported, got {resize}'
        )
    width, height = resize.scale
    return dict(
        image_size=(height, width),
        interpolation=resize.interpolation,
        resize_backend=resize.backend,
        decoder=load.backend,
    )
