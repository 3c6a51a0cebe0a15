"""Export a trained model to an ONNX file, and compare the file with the model."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ..apis.extraction import Extraction
from ..apis.inferencer import ReIDInferencer
from ..apis.sources import ImageSource, list_sources
from ..checks import check_choice, check_flag, check_number
from ..datasets.pedestrians import draw_pedestrian
from ..optional import require
from ..whole_file import PathLike, whole_file
from .card import CHANNEL_ORDERS, INPUT_TYPES, PLACES, ModelCard
from .facts import describe
from .graph import EmbeddingGraph
from .identity import graph_digest
from .onnx_model import OnnxModel
from .trace import check_exporter, trace

BATCH_SIZES = (1, 3, 64)  # at which a file is compared
DRAWN = 10  # pedestrians that are compared if no images are given


class Export(NamedTuple):
    """The result of an export.

    Attributes:
        card: of the file.
        difference: largest absolute difference between the features of file and model.
        num_images: number of images compared.
    """

    card: ModelCard
    difference: float
    num_images: int


def export_onnx(
    inferencer: ReIDInferencer,
    path: PathLike,
    *,
    normalise: str = 'inside',
    channel_order: str = 'rgb',
    input_type: str = 'float32',
    l2: bool = True,
    exporter: str = 'torchscript',
    opset: int | None = None,
    images: Any = None,
    tolerance: float = 1e-4,
    runtime: str = 'onnxruntime',
) -> Export:
    """Write a model to an ONNX file: whole and compared, or not at all.

    The graph maps `images` (batch, 3, H, W) to `features` (batch, C), for any batch size. Before
    the file gets its name, `OnnxModel` reads it, and its features at several batch sizes are
    compared with the inferencer's.

    Args:
        inferencer: the model.
        path: of the file, .onnx; its folder is created.
        normalise: 'inside': the graph takes pixels, 0 to 255; 'outside': normalised ones.
        channel_order: of the graph's input, 'rgb' or 'bgr'.
        input_type: of the graph's input, 'float32' or, with normalise='inside', 'uint8'.
        l2: whether the graph normalises its features to unit length.
        exporter: PyTorch's 'torchscript' (every release since 2.1, deprecated since 2.9) or
            'dynamo' (since 2.6, needs onnxscript).
        opset: of ONNX; None: 17 by torchscript, 18 by dynamo.
        images: to compare on, as an inferencer takes them; None: drawn pedestrians.
        tolerance: largest absolute difference allowed between features of unit length.
        runtime: that computes the file's features, 'onnxruntime' or 'openvino'.

    Raises:
        ImportError: if a package is missing, with the command that installs it.
        TypeError, ValueError: if an argument is wrong, the preprocessing or the model cannot be
            exported, or the file's features differ.
        FileNotFoundError: if an image does not exist.
    """
    path, inferencer = Path(path), inferencer.in_torch()
    _check_inferencer(inferencer)
    _check_arguments(path, normalise, channel_order, input_type, l2, tolerance)
    check_exporter(exporter, opset)
    images = _images(images)
    expected = inferencer(images)
    if not len(expected):
        raise ValueError(
            f'no image can be read to compare the file with the model: {expected.unreadable}'
        )
    card = replace(
        describe(
            inferencer.model,
            inferencer.cfg,
            inferencer.feat_dims,
            normalise=normalise,
            channel_order=channel_order,
            input_type=input_type,
            l2=l2,
        ),
        source=inferencer.fingerprint(),
    )
    model, card = _to_onnx(inferencer, card, exporter, opset)
    with whole_file(path) as file:
        file.write(model.SerializeToString())
        file.flush()
        difference = _difference(file.name, images, expected, runtime)
        if not difference <= tolerance:  # `not <=` also refuses NaN
            raise ValueError(
                f"{path} is not written: its features differ from the model's by "
                f'{difference:.2g}, more than tolerance={tolerance:g}'
            )
    return Export(card, difference, len(expected))


def _check_inferencer(inferencer: ReIDInferencer) -> None:
    for name, expected in dict(normalize=True, flip=False, amp=False).items():
        if getattr(inferencer, name) != expected:
            raise ValueError(
                f'an inferencer with {name}={not expected} cannot be exported: make one with '
                f'{name}={expected}'
            )


def _check_arguments(
    path: Path, normalise: str, channel_order: str, input_type: str, l2: bool, tolerance: float
) -> None:
    if path.suffix != '.onnx':
        raise ValueError(f'path must end in .onnx, got {path}')
    check_choice('normalise', normalise, PLACES)
    check_choice('channel_order', channel_order, CHANNEL_ORDERS)
    check_choice('input_type', input_type, INPUT_TYPES)
    check_flag('l2', l2)
    check_number('tolerance', tolerance)
    if tolerance <= 0:
        raise ValueError(f'tolerance must be greater than 0, got {tolerance}')
    if input_type == 'uint8' and normalise == 'outside':
        raise ValueError("input_type='uint8' cannot hold normalised pixels: use normalise='inside'")


def _images(images: Any) -> list[ImageSource]:
    """List the images, since they are read several times."""
    drawn = [draw_pedestrian(pid, pid % 3, 0) for pid in range(DRAWN)]
    return list_sources(drawn if images is None else images)


def _to_onnx(
    inferencer: ReIDInferencer, card: ModelCard, exporter: str, opset: int | None
) -> tuple[Any, ModelCard]:
    """Trace the model to an `onnx.ModelProto` with its card; also the card with their digest."""
    preprocessor: Any = inferencer.model.data_preprocessor
    graph = EmbeddingGraph(inferencer.model, card, preprocessor.to_rgb)
    device = next(inferencer.model.parameters()).device
    sample = torch.zeros(2, 3, *card.image_size, dtype=getattr(torch, card.input_type))
    model = trace(graph.to(device).eval(), sample.to(device), exporter, opset)
    set_props = require('onnx', 'an export to ONNX').helper.set_model_props
    # the torchscript exporter does not always infer it
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = card.feature_dims
    set_props(model, card.to_props())
    card = replace(card, graph=graph_digest(model))
    set_props(model, card.to_props())
    return model, card


def _difference(
    path: PathLike, images: list[ImageSource], expected: Extraction, runtime: str
) -> float:
    """Largest absolute difference between a file's features and the expected ones."""
    found = [
        OnnxModel(path, runtime, batch_size=size, progress=False)(images).features
        for size in BATCH_SIZES
    ]
    return max(float(np.abs(features - expected.features).max()) for features in found)
