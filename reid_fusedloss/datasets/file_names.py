"""Parse file names into (path, pid, camid), for all data sets."""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..logs import warn
from ..printable import printable

GROUPS = ('pid', 'camid', 'clothes', 'track')  # of a pattern
Label = int | str
INT64 = range(-(2**63), 2**63)


class ImageFile(NamedTuple):
    """Path of an image and its labels, as written in its name, folder or table."""

    path: str
    pid: str
    camid: str | None = None
    clothes: str | None = None
    track: str | None = None


def compile_pattern(pattern: Any, needs_pid: bool = True) -> re.Pattern[str]:
    """Compile and check the regular expression of the names.

    Args:
        pattern: as the user wrote it.
        needs_pid: whether the identity must be one of its groups.

    Raises:
        TypeError: if it is not a string.
        ValueError: if it is not a regular expression, has no group `pid`, or a named group that is
            not one of `GROUPS`: a misspelt camera would be no camera.
    """
    if not isinstance(pattern, str):
        raise TypeError(f'pattern is a regular expression on file names, got {pattern!r}')
    try:
        regex = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f'pattern {pattern!r} is not a regular expression: {error}') from None
    if needs_pid and 'pid' not in regex.groupindex:
        raise ValueError(f'pattern {pattern!r} has no group (?P<pid>...) for the identity')
    unknown = [name for name in regex.groupindex if name not in GROUPS]
    if unknown:
        raise ValueError(
            f'pattern {pattern!r} has the groups {unknown}: the known ones are '
            f'{GROUPS}; correct the name, or write a group without one, (...)'
        )
    return regex


def match_labels(regex: re.Pattern[str], text: str) -> dict[str, str] | None:
    """Match a pattern at the start of a text and return the labels of its named groups.

    Returns:
        Label by the name of its group, or None where the text does not fit: no match, or a group
        without text.
    """
    match = regex.match(text)
    labels = None if match is None else match.groupdict()
    return labels if labels is not None and all(labels.values()) else None


def parse_names(
    paths: Iterable[Path], pattern: str, junk_pids: Sequence[str], root: Path | None = None
) -> list[ImageFile]:
    """Read the labels of images from their names.

    Args:
        paths: image files.
        pattern: regular expression, matched at the start of the base name, with the group `pid`
            and, for data that has them, the groups `camid`, `clothes` and `track`.
        junk_pids: identities that are dropped ('-1' in Market-1501).
        root: None: the base names are matched, and the folders above are not looked at. A folder:
            the paths below it are matched, with '/' between their parts.

    Raises:
        TypeError, ValueError: as `compile_pattern`.
        ValueError: if a name does not fit the pattern, or is not valid UTF-8, which logs and the
            JSON files of ranking lists could not hold.
    """
    regex = compile_pattern(pattern)
    paths = list(paths)
    texts = [path.name if root is None else below(path, root) for path in paths]
    found = [match_labels(regex, text) for text in texts]
    misfits = [path for path, labels in zip(paths, found) if labels is None]
    if misfits:
        part = 'the name does' if root is None else f'the path below {root} does'
        raise ValueError(
            f'{printable(misfits[0])}: {part} not fit the pattern {pattern!r}, '
            f'as {len(misfits)} of {len(paths)} names; move the file away or correct '
            '`pattern`'
        )
    for path in paths:
        check_text(path)
    return [
        ImageFile(str(path), **labels)
        for path, labels in zip(paths, found)
        if labels is not None and labels['pid'] not in junk_pids
    ]


def below(path: Path, root: Path) -> str:
    """Return the path relative to a folder, with '/' between its parts."""
    return Path(os.path.relpath(path, root)).as_posix()


def check_text(path: Path) -> None:
    """Reject a name that is not valid UTF-8; Python reads such bytes as surrogates.

    Raises:
        ValueError: it shows the name.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ValueError(
            f'{printable(path)}: the name is not valid UTF-8; rename the file'
        ) from None


def warn_of_misfits(paths: Collection[str], pattern: str) -> None:
    """Log a warning if no name fits the pattern, so that no identity is known.

    Args:
        paths: of images, whose names need not fit.
        pattern: see `compile_pattern`.
    """
    regex = compile_pattern(pattern)
    if paths and not any(match_labels(regex, Path(path).name) for path in paths):
        warn(
            printable(
                f'0 of {len(paths)} names fit the pattern {pattern!r}, such as '
                f'{Path(next(iter(paths))).name}: no identity is known; correct '
                '`pattern` if they tell identities'
            )
        )


def to_labels(values: Iterable[str]) -> dict[str, Label]:
    """Map the strings of the names to labels: integers if all are numbers, else the strings.

    Strings stay strings if the conversion would merge two of them ('02' and '2'), or if one does
    not fit into 64 bits, since NumPy would round it.
    """
    texts = set(values)
    if all(re.fullmatch(r'-?\d+', text) for text in texts):
        numbers: dict[str, Label] = {text: int(text) for text in texts}
        if len(set(numbers.values())) == len(texts) and all(n in INT64 for n in numbers.values()):
            return numbers
    return {text: text for text in texts}
