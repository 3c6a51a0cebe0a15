"""The matrix product behind every distance: by which library, in which precision."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

BACKENDS = ('auto', 'numpy', 'torch')
CACHE_SIZE = 2**19  # numbers worked on at a time: 2 MB, which a CPU's caches hold
DEVICE_SIZE = 2**26  # likewise on a GPU: 256 MB, so that starting the work takes no time


def check_backend(backend: str) -> None:
    """Raise a ValueError if the name of a back end is unknown."""
    if backend not in BACKENDS:
        raise ValueError(f'backend must be one of {BACKENDS}, got {backend!r}')


def choose_backend(backend: str, device: torch.device) -> str:
    """Choose the library of the matrix product for features on a device.

    torch's outside the CPU. On a CPU 'auto' times both once a process: numpy's OpenBLAS and torch's
    MKL are alike on Intel, on AMD OpenBLAS was 2.5 times as fast.

    Raises:
        ValueError: if the name is unknown, or it is 'numpy' and the device is not a CPU.
    """
    check_backend(backend)
    if device.type != 'cpu':
        if backend == 'numpy':
            raise ValueError(f"backend='numpy' is for features on the CPU, these are on {device}")
        return 'torch'
    return _faster_on_cpu(torch.get_num_threads()) if backend == 'auto' else backend


def piece_size(device: torch.device) -> int:
    """Return how many numbers to work on at a time where rows do not depend on each other."""
    return CACHE_SIZE if device.type == 'cpu' else DEVICE_SIZE


def inner_products(x: Tensor, y: Tensor, backend: str, out: Tensor | None = None) -> Tensor:
    """x @ y.T, without gradient, in the precision of x and y: no bfloat16, no TensorFloat-32.

    Args:
        x: shape (N, C), float32 or float64.
        y: shape (M, C), of the same type, on the same device.
        backend: 'numpy' or 'torch'.
        out: shape (N, M), where to write them.
    """
    if backend == 'numpy':
        place = None if out is None else out.numpy()
        return torch.from_numpy(np.matmul(x.numpy(), y.numpy().T, out=place))
    with torch.no_grad(), _full_precision(x.device):
        return torch.mm(x, y.T, out=out)


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """Products as they are written, whatever autocast or the precision of products is set to."""
    matmuls: list[Any] = [
        torch.backends.cuda.matmul,
        getattr(torch.backends.mkldnn, 'matmul', None),
    ]
    kinds = [kind for kind in matmuls if _has_precision(kind)]
    # from PyTorch 2.9 on; its older setting may not be read once this one is used
    before = [kind.fp32_precision for kind in kinds] or [torch.get_float32_matmul_precision()]
    try:
        _set_precision(kinds, ['ieee'] * len(kinds) or ['highest'])
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        _set_precision(kinds, before)


def _has_precision(kind: Any) -> bool:
    """Whether PyTorch's setting is there; on PyTorch 2.1 asking is an AssertionError."""
    try:
        return hasattr(kind, 'fp32_precision')
    except AssertionError:
        return False


def _set_precision(kinds: list[Any], values: list[str]) -> None:
    if not kinds:
        torch.set_float32_matmul_precision(values[0])
    for kind, value in zip(kinds, values):
        kind.fp32_precision = value


@cache
def _faster_on_cpu(num_threads: int) -> str:
    x, y = torch.ones(128, 512), torch.ones(2048, 512)
    seconds = {
        backend: _shortest(partial(inner_products, x, y, backend)) for backend in ('torch', 'numpy')
    }
    return min(seconds, key=lambda backend: seconds[backend])


def _shortest(job: Callable[[], Tensor], repeat: int = 4) -> float:
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
