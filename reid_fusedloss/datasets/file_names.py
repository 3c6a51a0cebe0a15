"""From folders and file names to (path, pid, camid): the parsing shared by all data sets."""
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Union

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
_GLOB = re.compile(r'[*?\[]')
Label = Union[int, str]
Source = Union[str, dict, Sequence[Union[str, dict]]]


class ImageFile(NamedTuple):
    """One image: its path, and identity and camera as they stand in its name."""
    path: str
    pid: str
    camid: Union[str, None]


def list_images(root: Path, source: Source) -> list[Path]:
    """All image files of a role, sorted by path so that the file system's order never matters.

    Args:
        root: folder that relative sources start from.
        source: a folder ('query'), a glob ('images/test/*_cam1.jpg'), a list file with its folder
            (dict(folder='train', list_file='list_train.txt'); the first word of each line is a
            path inside the folder), or a list of these.

    Raises:
        FileNotFoundError: if a folder, a list file or a listed image is missing.
        ValueError: if nothing is found, or the source has another form.
    """
    if isinstance(source, (list, tuple)):
        return sorted(path for part in source for path in list_images(root, part))
    if isinstance(source, dict):
        paths = _listed(root, source)
    elif isinstance(source, str) and _GLOB.search(source):
        paths = _images(root.glob(source))
    elif isinstance(source, str):
        paths = _images(_existing(root / source).iterdir())
    else:
        raise ValueError(f'a source of images is a folder, a glob, dict(folder=, list_file=) or a '
                         f'list of these, got {source!r}')
    if not paths:
        raise ValueError(f'no image ({", ".join(IMAGE_SUFFIXES)}) in {root / str(source)}: check '
                         'data_root and the folders of the config')
    return sorted(paths)


def parse_names(paths: Iterable[Path], pattern: str, junk_pids: Sequence[str]) -> list[ImageFile]:
    """Identity and camera out of the base names; the folders above are never looked at.

    Args:
        paths: image files.
        pattern: regular expression, matched at the start of the base name, with the group `pid`
            and, for data with cameras, the group `camid`.
        junk_pids: identities that are dropped ('-1' in Market-1501).

    Raises:
        ValueError: if a name does not fit the pattern, or the pattern has no group `pid`.
    """
    regex = re.compile(pattern)
    if 'pid' not in regex.groupindex:
        raise ValueError(f"pattern {pattern!r} has no group (?P<pid>...) for the identity")
    with_camera = 'camid' in regex.groupindex
    files = []
    for path in paths:
        match = regex.match(path.name)
        if match is None or None in (match['pid'], match['camid'] if with_camera else ''):
            raise ValueError(f'{path}: the name does not fit the pattern {pattern!r}; move the file '
                             'away or correct `pattern`')
        if match['pid'] not in junk_pids:
            files.append(ImageFile(str(path), match['pid'], match['camid'] if with_camera else None))
    return files


def to_labels(values: Iterable[Any]) -> dict[str, Label]:
    """Map from the strings of the names to labels: int where every one is a number, else itself.

    Strings stay strings if the conversion would merge two of them ('02' and '2').
    """
    texts = set(values)
    if all(re.fullmatch(r'-?\d+', text) for text in texts):
        numbers = {text: int(text) for text in texts}
        if len(set(numbers.values())) == len(texts):
            return numbers
    return {text: text for text in texts}


def _images(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths
            if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.')]


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f'{path} does not exist: check data_root, or the folders of the '
                                'config')
    return path


def _listed(root: Path, source: dict) -> list[Path]:
    if set(source) != {'folder', 'list_file'}:
        raise ValueError(f'a list source has the keys folder and list_file, got {sorted(source)}')
    folder = _existing(root / source['folder'])
    lines = _existing(root / source['list_file']).read_text().splitlines()
    return [_existing(folder / line.split()[0]) for line in lines if line.strip()]
