"""Check what a reader finds for one image, and convert it to labels."""

import re
from collections.abc import Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

from ...printable import printable
from ..file_names import GROUPS, ImageFile, check_text, match_labels
from ..image_files import check_file

KEYS = ('img_path', *GROUPS)


def to_file(
    row: Mapping[str, Any],
    folder: Path,
    place: str,
    suffix: str = '',
    regex: re.Pattern[str] | None = None,
) -> ImageFile:
    """Check the record of an image and convert it to an `ImageFile`.

    Args:
        row: `img_path` (from `folder` on, or absolute) and labels (strings or integers).
        folder: where relative paths start.
        place: where the row is, for the errors: 'labels.csv line 3'.
        suffix: to append to the path.
        regex: of the base name, for labels that the row lacks, and to compare the others with.

    Raises:
        FileNotFoundError: if the image is missing.
        ValueError: if a key is unknown, the path, the identity or a label is missing or empty, the
            name does not fit the pattern, or it contradicts the row.
        TypeError: if a value is neither a string nor an integer.
    """
    if not isinstance(row, Mapping):
        raise TypeError(f'{place}: a record must be a dict with keys of {KEYS}, got {row!r}')
    unknown = [key for key in row if key not in KEYS]
    if unknown:
        raise ValueError(f'{place}: the keys of a record must be of {KEYS}, got {unknown}')
    labels = {key: _text(value, key, place) for key, value in row.items() if value is not None}
    if 'img_path' not in labels:
        raise ValueError(f'{place}: no img_path')
    path = folder / (labels.pop('img_path') + suffix)
    check_text(path)
    check_file(path, f' ({place})')
    if regex is not None:
        labels = merge_labels(labels, match_labels(regex, path.name), f'{place}, {path.name}')
    if 'pid' not in labels:
        raise ValueError(f'{place}: no pid')
    return ImageFile(str(path), **labels)


def merge_labels(
    given: Mapping[str, str], named: Mapping[str, str] | None, place: str
) -> dict[str, str]:
    """Merge the labels of a row or a folder with those of the file name.

    Args:
        given: labels of the row or the folder.
        named: labels of the name, or None where it does not fit its pattern.
        place: what they belong to, for the errors.

    Raises:
        ValueError: if the name does not fit, or a label is in both and they differ; numbers may
            differ in leading zeros.
    """
    if named is None:
        raise ValueError(
            printable(f'{place}: the name does not fit `pattern`; correct one of them')
        )
    for key in given.keys() & named.keys():
        if not _same(given[key], named[key]):
            raise ValueError(
                printable(
                    f'{place}: {key} is {given[key]!r} here and {named[key]!r} in the name of the '
                    'image; correct one of them'
                )
            )
    return {**named, **given}


def refuse_duplicates(files: Iterable[tuple[ImageFile, str]]) -> list[ImageFile]:
    """Check that each image file of a table is in one row only.

    Args:
        files: each with its place in the table.

    Raises:
        ValueError: if a path is in two rows.
    """
    places: dict[str, str] = {}
    found = []
    for file, place in files:
        if file.path in places:
            raise ValueError(
                printable(f'{place}: {file.path} is there already, in {places[file.path]}')
            )
        places[file.path] = place
        found.append(file)
    return found


def _text(value: Any, key: str, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, Integral)):
        raise TypeError(f'{place}: {key} must be a string or an integer, got {value!r}')
    text = str(value) if key == 'img_path' else str(value).strip()
    if not text.strip():
        raise ValueError(f'{place}: {key} is empty')
    return text


def _same(one: str, other: str) -> bool:
    numbers = all(re.fullmatch(r'\d+', text) for text in (one, other))
    return int(one) == int(other) if numbers else one == other
