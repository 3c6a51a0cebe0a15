"""Runtimes for ONNX files: a path in, a function from images to features out."""

import os
from collections.abc import Callable, Sequence

import numpy as np

from ..optional import require
from ..whole_file import PathLike

Run = Callable[[np.ndarray], np.ndarray]


def onnxruntime_run(path: PathLike, providers: Sequence[str] | None = None) -> Run:
    """Load a file in onnxruntime.

    Args:
        path: of the file.
        providers: execution providers in order of preference; None: the CPU.

    Raises:
        ImportError: if onnxruntime is not installed.
        ValueError: if it lacks a provider.
    """
    runtime = require('onnxruntime', 'an ONNX model')
    providers = list(providers or ['CPUExecutionProvider'])
    missing = set(providers) - set(runtime.get_available_providers())
    if missing:
        raise ValueError(
            f'providers must be among {runtime.get_available_providers()}, which this onnxruntime '
            f'has, got {providers}'
        )
    session = runtime.InferenceSession(os.fspath(path), providers=providers)
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def openvino_run(path: PathLike, providers: Sequence[str] | None = None) -> Run:
    """Load a file in OpenVINO, on the CPU, in float32: its default there may be bfloat16.

    Args:
        path: of the file.
        providers: must be None, since they are onnxruntime's.

    Raises:
        ImportError: if OpenVINO is not installed.
        ValueError: if there are providers.
    """
    if providers:
        raise ValueError(f"providers={providers} are onnxruntime's: leave them out for openvino")
    openvino = require('openvino', "an ONNX model in OpenVINO's runtime")
    model = openvino.compile_model(os.fspath(path), 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    return lambda images: model(images)[0]


RUNTIMES: dict[str, Callable[..., Run]] = dict(onnxruntime=onnxruntime_run, openvino=openvino_run)
