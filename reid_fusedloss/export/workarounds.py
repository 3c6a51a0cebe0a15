"""Workarounds for operations that PyTorch's exporters cannot trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmpretrain.models.utils.attention import ShiftWindowMSA
from torch import Tensor
from torch.nn import functional as F

_adaptive, _average = F.adaptive_avg_pool2d, F.avg_pool2d


@contextmanager
def exportable() -> Iterator[None]:
    """Replace three functions by equivalent ones while a model is exported.

    - mmpretrain 1.2's Swin Transformer computes the batch size with Python's `int`, so the sample's
      becomes a constant of the graph and other batch sizes get wrong features. Unnecessary once
      mmpretrain views by -1.
    - ONNX has no adaptive average pooling; PyTorch 2.14's torchscript exporter refuses maps whose
      size is not a multiple of the number of cells, such as PCB's 16 rows in 6 stripes.
    - mmpretrain 1.2's GeM averages over a window of the map's size, which PyTorch 2.14's
      torchscript exporter does not recognise as a constant.
    """
    pooling: Any = F
    reverse = ShiftWindowMSA.window_reverse
    ShiftWindowMSA.window_reverse = staticmethod(_window_reverse)
    pooling.adaptive_avg_pool2d, pooling.avg_pool2d = _adaptive_average, _constant_average
    try:
        yield
    finally:
        ShiftWindowMSA.window_reverse = staticmethod(reverse)
        pooling.adaptive_avg_pool2d, pooling.avg_pool2d = _adaptive, _average


def _window_reverse(windows: Tensor, height: int, width: int, size: int) -> Tensor:
    """Join windows (B * N, size, size, C) to maps (B, height, width, C)."""
    height, width, channels = int(height), int(width), int(windows.shape[-1])
    parts = windows.view(-1, height // size, width // size, size, size, channels)
    return parts.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, channels)


def _constant_average(
    maps: Tensor, size: int | tuple[int, int], *args: Any, **kwargs: Any
) -> Tensor:
    """Compute `F.avg_pool2d` with the window as Python integers."""
    window = int(size) if isinstance(size, (int, Tensor)) else [int(side) for side in size]
    return _average(maps, window, *args, **kwargs)


def _adaptive_average(maps: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Compute `F.adaptive_avg_pool2d`: the mean of each cell, its borders rounded outwards."""
    height, width = (int(length) for length in maps.shape[2:])
    rows, columns = (size, size) if isinstance(size, int) else size
    rows, columns = rows or height, columns or width  # None: the map's own size
    if height % rows == 0 and width % columns == 0:
        return _adaptive(maps, size)
    bands = (maps[:, :, cell] for cell in _cells(height, rows))
    return torch.stack(
        [
            torch.stack([band[..., cell].mean((2, 3)) for cell in _cells(width, columns)], dim=2)
            for band in bands
        ],
        dim=2,
    )


def _cells(length: int, number: int) -> list[slice]:
    return [slice(i * length // number, -(-(i + 1) * length // number)) for i in range(number)]
