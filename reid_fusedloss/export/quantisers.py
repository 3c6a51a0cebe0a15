"""Quantise ONNX graphs to int8, by ONNX Runtime or by OpenVINO's NNCF."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..optional import require

INPUT = 'images'  # of the graphs that `trace` makes
# A range is the mean over groups of the largest values in a group of so many images: the largest
# of all images leaves too few steps for the others, and the mean of single images cuts too many.
GROUP = 4
# what surrounds the convolutions: in int8 it loses accuracy, and in OpenVINO time
FLOAT = ('Add', 'Mul', 'BatchNormalization', 'InstanceNormalization', 'LayerNormalization')
ACTIVATIONS = ('Relu', 'Clip')


class Quantiser(NamedTuple):
    """A way to quantise.

    Attributes:
        package: that does it.
        runtime: of `RUNTIMES`, for which its graphs are made.
        ranges: how it finds the range of activations, for the card.
        run: (`onnx.ModelProto`, images, number of first convolutions that stay in float32) ->
            `onnx.ModelProto`; the images are batches of one.
    """

    package: str
    runtime: str
    ranges: str
    run: Callable[[Any, Iterable[np.ndarray], int], Any]


def by_onnxruntime(model: Any, images: Iterable[np.ndarray], float_convs: int) -> Any:
    """Quantise to QDQ, weights per channel to int8, activations to uint8.

    Args:
        model: an `onnx.ModelProto`.
        images: inputs of the graph, each (1, 3, H, W).
        float_convs: number of first convolutions that stay in float32.
    """
    onnx = require('onnx', 'int8')
    require('onnxruntime', 'int8')
    quantization = require('onnxruntime.quantization', 'int8')
    with tempfile.TemporaryDirectory() as folder:
        given, simple, quantised = (str(Path(folder, f'{name}.onnx')) for name in 'abc')
        onnx.save(model, given)  # a `ModelProto` would lose its weights to a temporary file
        # folds constants and normalisations into convolutions
        quantization.quant_pre_process(given, simple, skip_symbolic_shape=True)
        nodes = onnx.load(simple).graph.node
        quantization.quantize_static(
            simple,
            quantised,
            _Reader(_groups(images)),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=[
                *(node.name for node in nodes if node.op_type in FLOAT),
                *pooled(nodes),
                *first_convs(nodes, float_convs),
            ],
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options=dict(CalibMovingAverage=True),
        )
        return onnx.load(quantised)


def by_nncf(model: Any, images: Iterable[np.ndarray], float_convs: int) -> Any:
    """Quantise to QDQ with corrected biases, symmetric, for OpenVINO.

    Args:
        model: an `onnx.ModelProto`.
        images: inputs of the graph, each (1, 3, H, W).
        float_convs: number of first convolutions that stay in float32.
    """
    os.environ.setdefault('NNCF_CI', '1')  # otherwise it reports each call to its authors
    nncf = require('nncf', "quantiser='nncf'")
    nncf.set_log_level(logging.ERROR)
    batches = [{INPUT: image} for image in images]
    return nncf.quantize(
        model,
        nncf.Dataset(batches),
        subset_size=len(batches),
        ignored_scope=nncf.IgnoredScope(names=first_convs(model.graph.node, float_convs)),
    )


def first_convs(nodes: Sequence[Any], number: int) -> list[str]:
    """Return the names of a graph's first convolutions and of the activations that follow them.

    Args:
        nodes: `onnx.NodeProto`, in the order of the computation.
        number: of convolutions.
    """
    convs = [node for node in nodes if node.op_type == 'Conv'][:number]
    outputs = {node.output[0] for node in convs}
    after = [node for node in nodes if node.op_type in ACTIVATIONS and node.input[0] in outputs]
    return [node.name for node in [*convs, *after]]


def pooled(nodes: Sequence[Any]) -> list[str]:
    """Return the names of the nodes that compute with vectors: gates of channels, and the head.

    Args:
        nodes: `onnx.NodeProto`, in the order of the computation.
    """
    vectors: set[str] = set()
    names = []
    for node in nodes:
        starts = node.op_type == 'GlobalAveragePool'
        if starts or node.op_type != 'Mul' and not vectors.isdisjoint(node.input):
            vectors.update(node.output)
            names.append(node.name)
    return names


class _Reader:
    """What ONNX Runtime calls a `CalibrationDataReader`."""

    def __init__(self, groups: Iterator[np.ndarray]) -> None:
        self.groups = groups

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next inputs of the graph, None after the last."""
        group = next(self.groups, None)
        return None if group is None else {INPUT: group}


def _groups(images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Join images to batches of `GROUP`; the last may be smaller."""
    group: list[np.ndarray] = []
    for image in images:
        group.append(image)
        if len(group) == GROUP:
            yield np.concatenate(group)
            group = []
    if group:
        yield np.concatenate(group)


QUANTISERS = dict(
    onnxruntime=Quantiser(
        'onnxruntime', 'onnxruntime', f'mean of the extremes of {GROUP} images', by_onnxruntime
    ),
    nncf=Quantiser('nncf', 'openvino', 'mean of the extremes of each image', by_nncf),
)
