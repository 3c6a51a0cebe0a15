"""Load an image, with an error that says which file and what to do."""
import os
import stat
from typing import Any, Optional

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from ..checks import check_choice, check_int
from ..registry import TRANSFORMS
from .image_header import check_header

BACKENDS = ('cv2', 'pillow')


class UnreadableImageError(ValueError):
    """A file that holds no image that can be decoded."""


@TRANSFORMS.register_module()
class LoadReIDImage(BaseTransform):
    """Read a record's image: (H, W, 3), uint8, BGR, whatever the file has.

    Grey values are repeated, a palette and CMYK are converted, transparency is dropped, 16 bits
    become 8, and the camera's rotation (EXIF) is applied. Data sets made in memory put `img` into
    the record; all others name a file in `img_path`.

    Args:
        max_bytes: a larger file is not read; the default is 64 MiB.
        max_pixels: an image of more, height x width, is not decoded, as each takes 3 bytes; the
            default is 2**26, as of 8192 x 8192.
        backend: 'cv2' or 'pillow', who decodes.

    Raises:
        TypeError, ValueError: if an argument is out of range.
    """

    def __init__(self, max_bytes: int = 2**26, max_pixels: int = 2**26,
                 backend: str = 'cv2') -> None:
        check_int('max_bytes', max_bytes)
        check_int('max_pixels', max_pixels)
        check_choice('backend', backend, BACKENDS)
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels
        self.backend = backend

    def transform(self, results: dict) -> dict:
        """Fill `img`, `img_shape` and `ori_shape`.

        Raises:
            FileNotFoundError: if the file is gone.
            UnreadableImageError: if the file holds no readable image, or one over the limits.
            TypeError, ValueError: if the record's own image has another type or shape.
        """
        image = results.get('img')
        if image is None:
            results['img'] = image = self._load(results['img_path'])
        else:
            _check_image(image, results.get('img_path'))
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _load(self, path: str) -> np.ndarray:
        try:
            content = self._read(path)
            check_header(content, self.max_pixels)
            image: Optional[np.ndarray] = mmcv.imfrombytes(content, backend=self.backend)
        except MemoryError:
            raise
        except FileNotFoundError as error:
            raise FileNotFoundError(f'image {path} is gone; was it moved during the run?'
                                    ) from error
        except Exception as error:
            reason = str(error).strip() or type(error).__name__
            raise UnreadableImageError(f'image {path} cannot be decoded ({reason}): replace or '
                                       'remove the file') from error
        if image is None:
            raise UnreadableImageError(f'image {path} cannot be decoded: it is damaged or no '
                                       'image; replace or remove the file')
        return image

    def _read(self, path: str) -> bytes:
        """The file's content, if it is a file (a pipe would be waited for) and not too large."""
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError('it is no regular file')
        if status.st_size > self.max_bytes:
            raise ValueError(f'it has {status.st_size} bytes, more than max_bytes='
                             f'{self.max_bytes}')
        with open(path, 'rb') as file:
            content = file.read()
        if not content:
            raise ValueError('the file is empty')
        return content


def _check_image(image: Any, path: Optional[str]) -> None:
    """Refuse what an image of a record may not be."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f'`img` of the record {path} must be an array of uint8, got {kind}')
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f'`img` of the record {path} must be (H, W, 3), BGR, got shape '
                         f'{image.shape}')
