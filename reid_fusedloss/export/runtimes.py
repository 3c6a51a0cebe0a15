"""Who computes an ONNX file: a path in, a function from images to features out."""

import os
from collections.abc import Callable, Sequence

import numpy as np

from ..optional import require
from ..whole_file import PathLike

Run = Callable[[np.ndarray], np.ndarray]


def onnxruntime_run(path: PathLike, providers: Sequence[str] | None = None) -> Run:
    """By onnxruntime.

    Args:
        path: of the file.
        providers: its execution providers, the first that can; None: the CPU.

    Raises:
        ImportError: if it is not installed.
        ValueError: if it does not have a provider.
    """
    runtime = require('onnxruntime', 'an ONNX model')
    providers = list(providers or ['CPUExecutionProvider'])
    missing = set(providers) - set(runtime.get_available_providers())
    if missing:
        raise ValueError(
            f'providers={providers}: this onnxruntime has {runtime.get_available_providers()}'
        )
    session = runtime.InferenceSession(os.fspath(path), providers=providers)
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def openvino_run(path: PathLike, providers: Sequence[str] | None = None) -> Run:
    """By OpenVINO, on the CPU, in float32: by default it may compute in bfloat16 there.

    Args:
        path: of the file.
        providers: None; they are onnxruntime's.

    Raises:
        ImportError: if it is not installed.
        ValueError: if there are providers.
    """
    if providers:
        raise ValueError(f"providers={providers} are onnxruntime's: leave them out for openvino")
    openvino = require('openvino', "an ONNX model in OpenVINO's runtime")
    model = openvino.compile_model(os.fspath(path), 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    return lambda images: model(images)[0]


RUNTIMES: dict[str, Callable[..., Run]] = dict(onnxruntime=onnxruntime_run, openvino=openvino_run)
