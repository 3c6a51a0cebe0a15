"""Read and decode image files, with checks before any pixel is decoded."""

import os
import stat
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from ..whole_file import PathLike
from .image_header import check_header
from .pil_pixels import pil_pixels

MAX_BYTES = MAX_PIXELS = 2**26  # 64 MiB of a file; 8192 x 8192, each of 3 bytes
OPENCV_LIMIT = 'OPENCV_IO_MAX_IMAGE_PIXELS'


class UnreadableImageError(ValueError):
    """An image file that cannot be decoded."""


def read_image(
    path: PathLike, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS, backend: str = 'cv2'
) -> np.ndarray:
    """Read an image file: (H, W, 3), uint8, BGR.

    Args:
        path: of the file; pipes, devices and sockets are not waited for.
        max_bytes: a larger file is not read.
        max_pixels: an image of more, height x width, is not decoded.
        backend: see `decode_image`.

    Raises:
        FileNotFoundError: if the file does not exist.
        UnreadableImageError: if the file holds no readable image, or one over the limits.
    """
    try:
        return decode_image(read_file(path, max_bytes), max_pixels, backend)
    except MemoryError:
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(f'no such file: {os.fspath(path)}') from error
    except Exception as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise UnreadableImageError(
            f'image {os.fspath(path)} cannot be decoded ({reason}): replace or remove the file'
        ) from error


def decode_image(content: bytes, max_pixels: int = MAX_PIXELS, backend: str = 'cv2') -> np.ndarray:
    """Decode an image: (H, W, 3), uint8, BGR, rotated as its EXIF tag says; of several the first.

    The back ends differ in JPEG only, by a few levels at most. OpenCV always decodes PNG, BMP, WebP
    and TIFF, since Pillow clips 16 bits. Pillow always decodes GIF, since OpenCV reads it only from
    4.11 on and gives transparent pixels another colour.

    Args:
        content: the whole file.
        max_pixels: most that it may have, height x width; checked before it is decoded.
        backend: 'cv2' or 'pillow', which decodes JPEG.

    Raises:
        ValueError: if it cannot be decoded; the text is the reason.
    """
    kind = check_header(content, max_pixels)
    if kind == 'GIF' or kind == 'JPEG' and backend == 'pillow':
        with Image.open(BytesIO(content), formats=[kind]) as image:
            return pil_pixels(image, max_pixels)
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(
            f'it is corrupt, or a {kind} that OpenCV does not read, such as one of '
            'floating-point numbers'
        )
    return pixels


def opencv_limit() -> int:
    """Return the most pixels that OpenCV decodes, from its environment variable."""
    value = os.environ.get(OPENCV_LIMIT, '')
    return int(value) if value.isdecimal() else 2**30  # its own default


def read_file(path: PathLike, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a regular file that is not too large; reading a pipe could block.

    Raises:
        OSError: if the file does not exist or may not be read.
        ValueError: if it is not a regular file, is empty, or has more than `max_bytes`.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError('it is not a regular file')
    if status.st_size > max_bytes:
        raise ValueError(f'it has {status.st_size} bytes, more than max_bytes={max_bytes}')
    with open(path, 'rb') as file:
        content = file.read(status.st_size + 1)
    if not content:
        raise ValueError('the file is empty')
    if len(content) > status.st_size:
        raise ValueError('it is being written')
    return content
