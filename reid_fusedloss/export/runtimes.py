"""Runtimes for ONNX files: a path in, a function from images to features out."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ..optional import require
from ..whole_file import PathLike

Run = Callable[[np.ndarray], np.ndarray]
AT_ONCE = 16  # images; the maps of more do not fit a CPU's cache, and take longer each


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
    at_once = None if providers else AT_ONCE
    providers = list(providers or ['CPUExecutionProvider'])
    missing = set(providers) - set(runtime.get_available_providers())
    if missing:
        raise ValueError(
            f'providers must be among {runtime.get_available_providers()}, which this onnxruntime '
            f'has, got {providers}'
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(os.fspath(path), options, providers=providers)
    name = session.get_inputs()[0].name
    return _in_parts(lambda images: session.run(None, {name: images})[0], at_once)


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
    options = dict(INFERENCE_PRECISION_HINT='f32', INFERENCE_NUM_THREADS=torch.get_num_threads())
    # One thread, since the model has one request. Not the caller's: OpenVINO leaves a stack for
    # signal handlers to the thread that it computes in and frees it with the model, and the next
    # signal (Ctrl-C, a worker of a DataLoader that ends) would be a segmentation fault.
    own_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix='openvino')
    model = own_thread.submit(openvino.compile_model, os.fspath(path), 'CPU', options).result()
    return _in_parts(lambda images: own_thread.submit(model, images).result()[0], AT_ONCE)


def _in_parts(run: Run, at_once: int | None) -> Run:
    if at_once is None:
        return run
    return lambda images: np.concatenate(
        [run(images[first : first + at_once]) for first in range(0, len(images), at_once)]
    )


RUNTIMES: dict[str, Callable[..., Run]] = dict(onnxruntime=onnxruntime_run, openvino=openvino_run)
