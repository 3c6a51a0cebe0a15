"""Turn a user's inputs (paths, folders, globs, arrays, PIL images) into image sources."""

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..checks import check_choice, check_flag
from ..datasets.image_files import IMAGE_SUFFIXES, is_glob, is_image
from ..datasets.pil_pixels import pil_pixels
from ..datasets.read_image import MAX_PIXELS

CHANNEL_ORDERS = ('bgr', 'rgb')
EXPECTED = 'expected a path, an array (H, W, 3) of uint8, a PIL image or an ImageSource'
_ADDRESS = re.compile(r'[A-Za-z][A-Za-z0-9+.-]+://')


class ImageSource(NamedTuple):
    """An image: a file, or pixels.

    Attributes:
        name: path of the file, or a placeholder.
        image: (H, W, 3), uint8, BGR; None: it is read from the file.
        problem: why the image cannot be read; None: no problem known.
        row: entry of `Extraction.indices`, such as the row among the boxes of a video; None: the
            position among the inputs.
    """

    name: str
    image: np.ndarray | None = None
    problem: str | None = None
    row: int | None = None


class ImageStream:
    """Iterate over the images of any inputs; pixels are converted one image at a time.

    Args:
        inputs: a path of an image, a folder (its images sorted by path) or a glob; an array
            (H, W, 3), (H, W), (H, W, 1) or (H, W, 4) of uint8, where grey is repeated and the
            fourth channel dropped; a PIL image, rotated by its EXIF orientation, see `pil_pixels`;
            an `ImageSource`, as from `video_crops`; or an iterable of these. A generator is read
            only as far as needed. A path in an iterable may not exist, and an array or PIL image
            may have no pixels: that image is reported. Tensors are refused, since their layout is
            ambiguous, and so are dicts and sets, since their order is. Nothing is downloaded, and
            pipes, devices and sockets are refused.
        channel_order: of arrays, 'bgr' as in OpenCV, or 'rgb'.
        recursive: search subfolders too; links to folders are not followed.

    Attributes:
        total: number of images; None if it is unknown until they have been read.

    Raises:
        TypeError: if an input is of another type, or an array of another dtype; at once, or for a
            generator when the input is reached.
        ValueError: likewise, if an array has another shape, a path is a URL or a pipe, or a
            folder or a glob has no image; or if the channel order is unknown.
        FileNotFoundError: if the only path that is given does not exist.
    """

    def __init__(self, inputs: Any, channel_order: str = 'bgr', recursive: bool = False) -> None:
        check_choice('channel_order', channel_order, CHANNEL_ORDERS)
        check_flag('recursive', recursive)
        self.channel_order, self.recursive = channel_order, recursive
        self.total: int | None = None
        if _is_single(inputs):
            if isinstance(inputs, (str, os.PathLike)):
                _check_exists(os.fspath(inputs))
            inputs = [inputs]
        elif isinstance(inputs, (Mapping, Set)):
            raise TypeError(
                f'inputs must not be {_kind(inputs)}, whose order does not tell which feature '
                'belongs to which image: give a list, for a dict list(images.values())'
            )
        elif not isinstance(inputs, Iterable) or _is_tensor(inputs) or isinstance(inputs, bytes):
            raise TypeError(f'inputs are {_kind(inputs)}: {EXPECTED}, or an iterable of these')
        if isinstance(inputs, Sequence):
            for number, item in enumerate(inputs):
                _check_kind(item, number)
                if isinstance(item, np.ndarray):
                    _check_array(item, _numbered(number))
            self.items: Iterable[Any] = list(self._expand(inputs))
            self.total = len(self.items)
        else:
            self.items = self._expand(inputs)

    def __iter__(self) -> Iterator[ImageSource]:
        for number, item in self.items:
            yield _source(item, _numbered(number), self.channel_order)

    def _expand(self, inputs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield inputs with their position; the images of a folder or a glob share one."""
        for number, item in enumerate(inputs):
            _check_kind(item, number)
            if isinstance(item, (str, os.PathLike)):
                for path in _find(os.fspath(item), self.recursive):
                    yield number, path
            else:
                yield number, item


def list_sources(
    inputs: Any, channel_order: str = 'bgr', recursive: bool = False
) -> list[ImageSource]:
    """List all images of an `ImageStream`; all pixels are held in memory.

    Raises:
        TypeError, ValueError, FileNotFoundError: as `ImageStream`.
    """
    return list(ImageStream(inputs, channel_order, recursive))


def find_paths(inputs: Sequence[str], recursive: bool = False) -> list[str]:
    """Expand paths of images, folders and globs to paths of images, each once.

    Raises:
        ValueError: if a folder or a glob has no image, or a path is a URL or a pipe.
        FileNotFoundError: if a path does not exist.
    """
    for path in inputs:
        _check_exists(path)
    return list(dict.fromkeys(path for item in inputs for path in _find(item, recursive)))


def check_local(path: str) -> None:
    """Refuse a path that is not a local file or folder; it may not exist.

    Raises:
        ValueError: if it is a URL, or a pipe, a device or a socket.
    """
    if _ADDRESS.match(path):
        raise ValueError(
            f'{path} is a URL, and nothing is downloaded here: download it, and give the '
            'path of the file'
        )
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ValueError(
            f'{path} is a pipe, a device or a socket, which is not read: give a file or a folder'
        )


def _find(path: str, recursive: bool) -> list[str]:
    check_local(path)
    if os.path.isdir(path):
        found = sorted(_walk(path, recursive))
    elif is_glob(path) and not os.path.exists(path):
        found = sorted(
            name
            for name in glob.iglob(path, recursive=True)
            if is_image(os.path.basename(name)) and not os.path.isdir(name)
        )
    else:
        return [path]
    if not found:
        left_out = os.path.isdir(path) and not recursive
        hint = ', or search its subfolders too with recursive' if left_out else ''
        raise ValueError(f'no image ({", ".join(IMAGE_SUFFIXES)}) in {path}: check the path{hint}')
    return found


def _walk(folder: str, recursive: bool) -> Iterator[str]:
    for place, folders, files in os.walk(folder, onerror=_fail):
        yield from (os.path.join(place, name) for name in files if is_image(name))
        if not recursive:
            return
        folders[:] = [name for name in folders if not name.startswith('.')]


def _fail(error: OSError) -> None:
    raise error


def _check_exists(path: str) -> None:
    check_local(path)
    if not os.path.lexists(path) and not is_glob(path):
        raise FileNotFoundError(f'no image and no folder at {path}: check the path')


def _check_kind(item: Any, number: int) -> None:
    if not _is_single(item):
        raise TypeError(f'input {number} is {_kind(item)}: {EXPECTED}')


def _is_single(item: Any) -> bool:
    return isinstance(item, (str, os.PathLike, np.ndarray, Image.Image, ImageSource))


def _is_tensor(item: Any) -> bool:
    return type(item).__module__.split('.')[0] == 'torch'


def _kind(item: Any) -> str:
    hint = (
        ' (give tensor.permute(1, 2, 0).cpu().numpy() of (3, H, W), with its channel_order)'
        if _is_tensor(item)
        else ''
    )
    return f'of type {type(item).__name__}{hint}'


def _numbered(number: int) -> str:
    """Return a placeholder for the name of an image that has none."""
    return f'image {number}'


def _source(item: Any, name: str, channel_order: str) -> ImageSource:
    if isinstance(item, ImageSource):
        return item
    if isinstance(item, str):
        return ImageSource(item)
    if isinstance(item, np.ndarray):
        return _from_array(item, name, channel_order)
    try:
        return ImageSource(name, pil_pixels(item, MAX_PIXELS))
    except (OSError, SyntaxError, ValueError) as error:  # Pillow decodes lazily
        return ImageSource(name, problem=f'the picture cannot be decoded ({error})')


def _check_array(image: np.ndarray, name: str) -> None:
    """Refuse an array that is not an image; an array without pixels is an unreadable image."""
    if image.dtype != np.uint8:
        raise TypeError(f'{name} must be an array of uint8, 0 to 255, got {image.dtype}')
    if image.ndim != 2 and (image.ndim != 3 or image.size and image.shape[2] not in (1, 3, 4)):
        raise ValueError(
            f'{name} must have shape (H, W, 3), or (H, W) if grey, got {image.shape}; give several '
            'images as a list'
        )


def _from_array(image: np.ndarray, name: str, channel_order: str) -> ImageSource:
    _check_array(image, name)
    if not image.size:
        return ImageSource(name, problem=f'it has no pixels, its shape is {image.shape}')
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] == 1:
        return ImageSource(name, np.repeat(image, 3, axis=2))
    image = image[..., :3]
    return ImageSource(
        name, np.ascontiguousarray(image if channel_order == 'bgr' else image[..., ::-1])
    )
