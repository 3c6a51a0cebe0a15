"""Decoded images of a data set in memory, shared by all workers of its loader."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from ..logs import log
from .free_memory import available_memory
from .image_header import read_header
from .load_image import LoadReIDImage, UnreadableImageError
from .read_image import read_file

BLOCK = 2**26  # bytes that are allocated at once
AT_ONCE = 1024  # images that are decoded before the next ones are asked for
SAMPLED = 64  # images whose headers the estimate is from


class ImageCache:
    """Decoded images by the path of their file: (H, W, 3), uint8, BGR, at the file's size.

    The images lie one after the other in a few tensors, filled before the workers start: workers
    that are forked read the same memory, and to others PyTorch passes it as shared memory.

    Args:
        paths: of the files.
        load: step that reads them. A file that it cannot read is left out.
    """

    def __init__(self, paths: Sequence[str], load: LoadReIDImage) -> None:
        self._blocks: list[torch.Tensor] = []
        self._used = 0
        self._places: dict[str, tuple[int, int, tuple[int, ...]]] = {}
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            for start in range(0, len(paths), AT_ONCE):
                some = paths[start : start + AT_ONCE]
                for path, image in zip(some, pool.map(lambda path: _read(load, path), some)):
                    if image is not None:
                        self._add(path, image)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def num_bytes(self) -> int:
        """Bytes of all images."""
        return sum(int(np.prod(shape)) for _, _, shape in self._places.values())

    def image(self, path: str) -> np.ndarray | None:
        """Return a copy of an image, which the next steps may change; None if it is left out."""
        place = self._places.get(path)
        if place is None:
            return None
        block, start, shape = place
        flat = self._blocks[block][start : start + int(np.prod(shape))]
        return flat.numpy().reshape(shape).copy()

    def _add(self, path: str, image: np.ndarray) -> None:
        if not self._blocks or self._used + image.size > len(self._blocks[-1]):
            self._blocks.append(torch.empty(max(BLOCK, image.size), dtype=torch.uint8))
            self._used = 0
        self._blocks[-1].numpy()[self._used : self._used + image.size] = image.ravel()
        self._places[path] = (len(self._blocks) - 1, self._used, image.shape)
        self._used += image.size


def cached_images(records: Iterable[dict], steps: Sequence[Any], title: str) -> ImageCache:
    """Read the images of a data set into memory, and log how much they need.

    Args:
        records: of the data set; those with an image of their own are left out.
        steps: transforms of its pipeline.
        title: of the data set, for the log.

    Raises:
        ValueError: if the first step is not `LoadReIDImage`, or the memory is too small.
    """
    load = steps[0] if steps else None
    if not isinstance(load, LoadReIDImage):
        raise ValueError(
            'cache_images=True needs a pipeline that starts with LoadReIDImage, got '
            f'{type(load).__name__}: set cache_images=False'
        )
    paths = list(dict.fromkeys(record['img_path'] for record in records if 'img' not in record))
    needed, available = _estimate(paths, load), available_memory()
    if available is not None and needed > available:
        raise ValueError(
            f'cache_images=True: the {len(paths)} images of {title} need about '
            f'{_mebibytes(needed)} decoded, and {_mebibytes(available)} of memory are available: '
            'set cache_images=False'
        )
    log(f'{title}: decoding {len(paths)} images into memory, about {_mebibytes(needed)}')
    cache = ImageCache(paths, load)
    left_out = len(paths) - len(cache)
    log(
        f'{title}: {len(cache)} decoded images in memory, {_mebibytes(cache.num_bytes)}'
        + (f'; {left_out} cannot be read' if left_out else '')
    )
    return cache


def _read(load: LoadReIDImage, path: str) -> np.ndarray | None:
    try:
        return load.read(path)
    except (FileNotFoundError, UnreadableImageError):
        return None


def _estimate(paths: Sequence[str], load: LoadReIDImage) -> int:
    """Estimate the bytes of all images, 3 a pixel, from the headers of some."""
    sizes = []
    for path in paths[:: max(1, len(paths) // SAMPLED)]:
        try:
            header = read_header(read_file(path, load.max_bytes))
        except (OSError, ValueError):
            continue
        sizes.append(3 * header.height * header.width)
    return int(np.mean(sizes) * len(paths)) if sizes else 0


def _mebibytes(number: int) -> str:
    return f'{number / 2**20:,.0f} MiB'
