"""Labels in the names of images and of the folders above them."""

import os
from pathlib import Path

from ..file_names import ImageFile, below, check_text, compile_pattern, match_labels, parse_names
from ..image_files import Source, is_glob, list_images
from .rows import merge_labels


def read_names(root: Path, source: Source, *, pattern: str) -> list[ImageFile]:
    """Read labels from base names, such as `0002_c1s1_000451_03.jpg`.

    Args:
        root: folder of the data set.
        source: folder, glob or list file of a role; see `list_images`.
        pattern: see `parse_names`.
    """
    return parse_names(list_images(root, source), pattern, ())


def read_paths(root: Path, source: Source, *, pattern: str) -> list[ImageFile]:
    r"""Read labels from the paths below the data set's folder, such as `cam1/0007/0001.jpg`.

    Args:
        root: folder of the data set.
        source: as in `read_names`; of a folder, the images in all folders below it.
        pattern: regular expression, matched at the start of the path from `root` on with '/'
            between its parts: r'cam(?P<camid>\d)/(?P<pid>\d+)/'.
    """
    return parse_names(list_images(root, source, deep=True), pattern, (), root)


def read_folders(
    root: Path, source: Source, *, level: int = 1, pattern: str | None = None
) -> list[ImageFile]:
    r"""Take the name of a folder as the identity, such as `001/x.jpg`.

    Args:
        root: folder of the data set.
        source: as in `read_paths`.
        level: which folder it is: 1 for the one that holds the image, 2 for the one above.
        pattern: regular expression on the base name for further labels: r'c(?P<camid>\d)'. If it
            reads a `pid`, this must be the folder's. None: there are none.

    Raises:
        ValueError: if an image is not in a folder of an identity, or its name does not fit the
            pattern or contradicts the folder.
    """
    regex = None if pattern is None else compile_pattern(pattern, needs_pid=False)
    base = root if not isinstance(source, str) or is_glob(source) else root / source
    files = []
    for path in list_images(root, source, deep=True):
        check_text(path)
        if len(Path(os.path.relpath(path, base)).parts) <= level:
            raise ValueError(
                f'{path}: no folder of an identity between {base} and the image (level={level}); '
                'move the image, or correct `level` or the source'
            )
        labels = dict(pid=path.parents[level - 1].name)
        if regex is not None:
            labels = merge_labels(labels, match_labels(regex, path.name), below(path, root))
        files.append(ImageFile(str(path), **labels))
    return files
