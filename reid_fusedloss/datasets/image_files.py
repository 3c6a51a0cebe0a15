"""List the image files of folders, globs and list files."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
_GLOB = re.compile(r'[*?\[]')
Source = str | dict | Sequence[str | dict]


def list_images(root: Path, source: Source, deep: bool = False) -> list[Path]:
    """List all image files of a role, sorted by path.

    Folders with the suffix of an image and files that begin with a dot are skipped. A file that is
    named twice is listed twice.

    Args:
        root: folder that relative sources start from.
        source: a folder ('query'), a glob ('images/test/*_cam1.jpg'), a list file with its folder
            (dict(folder='train', list_file='list_train.txt'); the first word of each line is a
            path inside the folder), or a list of these.
        deep: take the images of all subfolders too, not only those of the folder itself.

    Raises:
        FileNotFoundError: if a folder, a list file or a listed image is missing, or a link is
            broken.
        PermissionError: if a folder or a list file may not be read.
        ValueError: if nothing is found, a list file is not valid UTF-8, or the source has another
            form.
    """
    if isinstance(source, (list, tuple)) and source:
        return sorted(path for part in source for path in list_images(root, part, deep))
    try:
        paths = list(_find(root, source, deep))
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise PermissionError(
            f'{error.filename} may not be read ({error.strerror}): check the '
            'permissions of the folder'
        ) from error
    except OSError as error:  # such as a name that is too long
        raise FileNotFoundError(f'images of {source!r} in {root}: {error}') from error
    if not paths:
        raise ValueError(
            f'no image ({", ".join(IMAGE_SUFFIXES)}) in {root / str(source)}: check '
            'data_root and the folders of the config'
        )
    return sorted(paths)


def check_root(data_root: str, owner: str) -> Path:
    """Check that the folder of a data set exists, and return its path.

    Args:
        data_root: its path.
        owner: name of the data set, for the errors.

    Raises:
        FileNotFoundError: if the folder does not exist.
        PermissionError: if it may not be read.
    """
    try:
        reason = '' if stat.S_ISDIR(os.stat(data_root).st_mode) else 'is a file'
    except PermissionError as error:
        raise PermissionError(
            f'data_root {data_root} of {owner} may not be read '
            f'({error.strerror}): check its permissions'
        ) from error
    except (OSError, ValueError) as error:  # such as a name that is too long
        reason = f'does not exist ({getattr(error, "strerror", error)})'
    if reason:
        raise FileNotFoundError(
            f'data_root {data_root} of {owner} {reason}: put the data there, '
            'or name its folder in the config (data_root)'
        )
    return Path(data_root)


def is_image(name: str) -> bool:
    """Tell whether a file has the suffix of an image and is not hidden."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith('.')


def folders(source: Source) -> set[str]:
    """Return the folders that a source may read, as text; a glob is returned as it is."""
    if isinstance(source, (list, tuple)):
        return set().union(*map(folders, source))
    return {os.path.normpath(source['folder'] if isinstance(source, dict) else str(source))}


def is_glob(source: Source) -> bool:
    """Tell whether a source, or a part of it, is a glob."""
    if isinstance(source, (list, tuple)):
        return any(map(is_glob, source))
    return isinstance(source, str) and bool(_GLOB.search(source))


def _find(root: Path, source: Source, deep: bool) -> Iterable[Path]:
    if isinstance(source, dict):
        return _listed(root, source)
    if not isinstance(source, str):
        raise ValueError(
            f'a source of images is a folder, a glob, dict(folder=, list_file=) or a '
            f'list of these, got {source!r}'
        )
    if is_glob(source):
        return _globbed(root, source)
    folder = existing(root / source)
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder} is not a folder: check data_root, or the folders of the config'
        )
    return _images_below(folder) if deep else _images(folder)


def _images(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:  # scandir knows the kind of each entry: no system call per file
            if is_image(entry.name) and not entry.is_dir():
                path = folder / entry.name
                yield path if entry.is_file() else check_file(path)


def _images_below(folder: Path) -> Iterator[Path]:
    """List the images of a folder and its subfolders, except links to a folder above."""
    for parent, children, _ in os.walk(folder, onerror=_raise, followlinks=True):
        children[:] = [
            child
            for child in children
            if not child.startswith('.') and not _leads_back(parent, child)
        ]
        yield from _images(Path(parent))


def _leads_back(parent: str, child: str) -> bool:
    path = os.path.join(parent, child)
    return os.path.islink(path) and Path(os.path.realpath(parent)).is_relative_to(
        os.path.realpath(path)
    )


def _raise(error: OSError) -> None:
    raise error


def _globbed(root: Path, pattern: str) -> Iterator[Path]:
    try:
        found = list(root.glob(pattern))
    except (NotImplementedError, ValueError, IndexError) as error:
        raise ValueError(f'the glob {pattern!r} cannot be used inside {root}: {error}') from error
    return (check_file(path) for path in found if is_image(path.name) and not path.is_dir())


def _listed(root: Path, source: dict) -> Iterator[Path]:
    if set(source) != {'folder', 'list_file'} or not all(
        isinstance(part, str) for part in source.values()
    ):
        raise ValueError(
            f'a list source is dict(folder=, list_file=), both strings, got {source!r}'
        )
    folder, list_file = existing(root / source['folder']), existing(root / source['list_file'])
    if not list_file.is_file():
        raise FileNotFoundError(
            f'{list_file} is not a file: list_file must name a text file of image paths'
        )
    try:
        text = list_file.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{list_file} is not valid UTF-8 ({error}): save it as UTF-8') from None
    for number, line in enumerate(text.split('\n'), start=1):
        if line.strip():
            yield check_file(folder / line.split()[0], f' (line {number} of {list_file})')


def check_file(path: Path, named_by: str = '') -> Path:
    """Check that a path is a file, and return it.

    Args:
        path: to check.
        named_by: what names it, for the error.

    Raises:
        FileNotFoundError: if it is not a file.
    """
    if path.is_file():
        return path
    if path.is_symlink():
        raise FileNotFoundError(
            f'{path}{named_by} is a broken link: remove it, or restore its file'
        )
    reason = 'is not a file' if path.exists() else 'does not exist'
    raise FileNotFoundError(
        f'{path}{named_by} {reason}: check data_root, or the folders of the config'
    )


def existing(path: Path) -> Path:
    """Check that a path exists, and return it.

    Raises:
        FileNotFoundError: if it does not exist.
    """
    if not path.exists():
        raise FileNotFoundError(
            f'{path} does not exist: check data_root, or the folders of the config'
        )
    return path
