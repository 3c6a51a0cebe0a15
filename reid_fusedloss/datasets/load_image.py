"""Load an image; errors name the file and say what to do."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from ..checks import check_choice, check_int
from ..registry import TRANSFORMS
from ..whole_file import PathLike
from .read_image import (
    MAX_BYTES,
    MAX_PIXELS,
    OPENCV_LIMIT,
    UnreadableImageError,
    opencv_limit,
    read_image,
)

__all__ = ['BACKENDS', 'LoadReIDImage', 'UnreadableImageError']
BACKENDS = ('cv2', 'pillow')


@TRANSFORMS.register_module()
class LoadReIDImage(BaseTransform):
    """Read a record's image: (H, W, 3), uint8, BGR, for any kind of file.

    JPEG, PNG, BMP, WebP, TIFF and GIF are read. Grey values are repeated, a palette and CMYK are
    converted, transparency is dropped, 16 bits become their upper 8, of several images the first is
    taken, and the camera's rotation (EXIF) is applied. Data sets made in memory put `img` into
    the record; all others name a file in `img_path`.

    Args:
        max_bytes: a larger file is not read; the default is 64 MiB.
        max_pixels: an image of more, height x width, is not decoded, as each takes 3 bytes; the
            default is 2**26, as of 8192 x 8192.
        backend: 'cv2' or 'pillow', which decodes JPEG; see `decode_image`.

    Raises:
        TypeError, ValueError: if an argument is out of range.
    """

    def __init__(
        self, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS, backend: str = 'cv2'
    ) -> None:
        check_int('max_bytes', max_bytes)
        check_int('max_pixels', max_pixels)
        check_choice('backend', backend, BACKENDS)
        if max_pixels > opencv_limit():
            raise ValueError(
                f'max_pixels={max_pixels} is more than OpenCV decodes in this '
                f'process ({opencv_limit()}): set the environment variable '
                f'{OPENCV_LIMIT}={max_pixels} before Python starts'
            )
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels
        self.backend = backend

    def transform(self, results: dict) -> dict:
        """Fill `img`, `img_shape` and `ori_shape`.

        Raises:
            FileNotFoundError: if the file does not exist.
            UnreadableImageError: if the file holds no readable image, or one over the limits.
            TypeError, ValueError: if the record's own image has another type or shape.
        """
        image = results.get('img')
        if image is None:
            results['img'] = image = self.read(results['img_path'])
        else:
            _check_image(image, results.get('img_path'))
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def read(self, path: PathLike) -> np.ndarray:
        """Read a file: (H, W, 3), uint8, BGR.

        Raises:
            FileNotFoundError, UnreadableImageError: as `transform`.
        """
        return read_image(path, self.max_bytes, self.max_pixels, self.backend)


def _check_image(image: Any, path: str | None) -> None:
    """Check type and shape of an image that a record holds."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f'`img` of the record {path} must be an array of uint8, got {kind}')
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f'`img` of the record {path} must be (H, W, 3), BGR, got shape {image.shape}'
        )
