"""What a user has, paths, folders, arrays and pictures, as images that a pipeline takes."""

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
        name: path of the file, or what stands for one.
        image: (H, W, 3), uint8, BGR; None: it is read from the file.
        problem: why there is nothing to read; None: there is.
        row: what the user knows it by, for `Extraction.indices`, such as its row among the boxes of
            a video; None: its place among the inputs.
    """

    name: str
    image: np.ndarray | None = None
    problem: str | None = None
    row: int | None = None


class ImageStream:
    """The images that are meant, one after another; pixels are made when their turn comes.

    Args:
        inputs: a path of an image, a folder (its images sorted by path) or a glob; an array
            (H, W, 3), (H, W), (H, W, 1) or (H, W, 4) of uint8, where grey is repeated and the
            fourth channel dropped; a PIL image, turned as its camera says (EXIF), see `pil_pixels`;
            an `ImageSource`, as `video_crops` makes them; or an iterable of these, a generator too,
            which is read as far as it is needed. A path of an iterable may lead nowhere, and an
            array or PIL image may have no pixel: that image is reported. Tensors are refused, since
            their layout is a matter of taste, and so are a dict and a set. Nothing is fetched from
            a network, and no pipe, device or socket is waited for.
        channel_order: of arrays, 'bgr' as OpenCV's or 'rgb'.
        recursive: look into the folders of folders too; links to folders are not followed.

    Attributes:
        total: number of images; None: not known before they have been read.

    Raises:
        TypeError: if an input is none of these, or an array has another type; at once, or for a
            generator when it comes up.
        ValueError: likewise, if an array has another shape, a path is an address or a pipe, or a
            folder or a glob holds no image; or if the channel order is unknown.
        FileNotFoundError: if the one path that is given does not exist.
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
                f'inputs are {_kind(inputs)}, whose order says nothing of which '
                'feature is whose: give a list, of a dict list(images.values())'
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
        """Inputs with their place; in that of a folder or a glob, its images."""
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
    """All images of an `ImageStream`; pixels are all held at once.

    Raises:
        TypeError, ValueError, FileNotFoundError: as `ImageStream`.
    """
    return list(ImageStream(inputs, channel_order, recursive))


def find_paths(inputs: Sequence[str], recursive: bool = False) -> list[str]:
    """Paths of images, folders and globs as paths of images, each once.

    Raises:
        ValueError: if a folder or a glob holds no image, or a path is an address or a pipe.
        FileNotFoundError: if a path does not exist.
    """
    for path in inputs:
        _check_exists(path)
    return list(dict.fromkeys(path for item in inputs for path in _find(item, recursive)))


def check_local(path: str) -> None:
    """Refuse what would be fetched or waited for; a path may lead nowhere.

    Raises:
        ValueError: if it is an address of a network, or a pipe, a device or a socket.
    """
    if _ADDRESS.match(path):
        raise ValueError(
            f'{path} is an address, and nothing is fetched: download it, and give the '
            'path of the file'
        )
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ValueError(
            f'{path} is a pipe, a device or a socket, which is not waited for: give a '
            'file or a folder'
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
        hint = '; folders in it are looked into if the search is recursive' if left_out else ''
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
    """What stands for the name of an image that has none."""
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
    except (OSError, SyntaxError, ValueError) as error:  # Pillow decodes late
        return ImageSource(name, problem=f'the picture cannot be decoded ({error})')


def _check_array(image: np.ndarray, name: str) -> None:
    """Refuse an array that is no image; one without pixels is an image that cannot be read."""
    if image.dtype != np.uint8:
        raise TypeError(f'{name} is an array of {image.dtype}: give uint8, 0 to 255')
    if image.ndim != 2 and (image.ndim != 3 or image.size and image.shape[2] not in (1, 3, 4)):
        raise ValueError(
            f'{name} has shape {image.shape}: give (H, W, 3), or grey (H, W); several '
            'images as a list'
        )


def _from_array(image: np.ndarray, name: str, channel_order: str) -> ImageSource:
    _check_array(image, name)
    if not image.size:
        return ImageSource(name, problem=f'it has no pixel, its shape is {image.shape}')
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] == 1:
        return ImageSource(name, np.repeat(image, 3, axis=2))
    image = image[..., :3]
    return ImageSource(
        name, np.ascontiguousarray(image if channel_order == 'bgr' else image[..., ::-1])
    )
