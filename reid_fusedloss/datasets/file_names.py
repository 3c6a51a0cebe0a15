"""From file names to (path, pid, camid): the parsing shared by all data sets."""

import logging
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.logging import print_log

from ..printable import printable

GROUPS = ('pid', 'camid')  # of a pattern
Label = int | str
INT64 = range(-(2**63), 2**63)


class ImageFile(NamedTuple):
    """One image: its path, and identity and camera as they stand in its name."""

    path: str
    pid: str
    camid: str | None


def compile_pattern(pattern: Any) -> re.Pattern:
    """The regular expression of the names, checked.

    Raises:
        TypeError: if it is no string.
        ValueError: if it is no regular expression, has no group `pid`, or a named group that is
            none of `GROUPS`: a misspelt camera would be no camera.
    """
    if not isinstance(pattern, str):
        raise TypeError(f'pattern is a regular expression on file names, got {pattern!r}')
    try:
        regex = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f'pattern {pattern!r} is no regular expression: {error}') from None
    if 'pid' not in regex.groupindex:
        raise ValueError(f'pattern {pattern!r} has no group (?P<pid>...) for the identity')
    unknown = [name for name in regex.groupindex if name not in GROUPS]
    if unknown:
        raise ValueError(
            f'pattern {pattern!r} has the groups {unknown}: the known ones are '
            f'{GROUPS}; correct the name, or write a group without one, (...)'
        )
    return regex


def parse_names(paths: Iterable[Path], pattern: str, junk_pids: Sequence[str]) -> list[ImageFile]:
    """Identity and camera out of the base names; the folders above are never looked at.

    Args:
        paths: image files.
        pattern: regular expression, matched at the start of the base name, with the group `pid`
            and, for data with cameras, the group `camid`.
        junk_pids: identities that are dropped ('-1' in Market-1501).

    Raises:
        TypeError, ValueError: as `compile_pattern`.
        ValueError: if a name does not fit the pattern, or is no UTF-8 text, which logs and the JSON
            files of ranking lists could not hold.
    """
    regex = compile_pattern(pattern)
    with_camera = 'camid' in regex.groupindex
    files, paths = [], list(paths)
    misfits = [path for path in paths if not _fits(regex, path.name)]
    if misfits:
        raise ValueError(
            f'{printable(misfits[0])}: the name does not fit the pattern {pattern!r}, '
            f'as {len(misfits)} of {len(paths)} names; move the file away or correct '
            '`pattern`'
        )
    for path in paths:
        match = regex.match(path.name)
        if not _is_text(str(path)):
            raise ValueError(f'{printable(path)}: the name is no UTF-8 text; rename the file')
        if match['pid'] not in junk_pids:
            files.append(
                ImageFile(str(path), match['pid'], match['camid'] if with_camera else None)
            )
    return files


def _fits(regex: re.Pattern, name: str) -> bool:
    """Whether a base name has all that the groups ask for."""
    match = regex.match(name)
    return match is not None and all(match.groupdict().values())


def warn_of_misfits(paths: Collection[str], pattern: str) -> None:
    """A line in the log where not one name fits a pattern, so that nobody is known.

    Args:
        paths: of images, whose names need not fit.
        pattern: see `compile_pattern`.
    """
    regex = compile_pattern(pattern)
    if paths and not any(_fits(regex, Path(path).name) for path in paths):
        print_log(
            printable(
                f'0 of {len(paths)} names fit the pattern {pattern!r}, such as '
                f'{Path(next(iter(paths))).name}: no identity is known; correct '
                '`pattern` if they tell identities'
            ),
            logger='current',
            level=logging.WARNING,
        )


def to_labels(values: Iterable[Any]) -> dict[str, Label]:
    """Map from the strings of the names to labels: int where every one is a number, else itself.

    Strings stay strings if the conversion would merge two of them ('02' and '2'), or if one is no
    64-bit number, since NumPy would round it.
    """
    texts = set(values)
    if all(re.fullmatch(r'-?\d+', text) for text in texts):
        numbers = {text: int(text) for text in texts}
        if len(set(numbers.values())) == len(texts) and all(n in INT64 for n in numbers.values()):
            return numbers
    return {text: text for text in texts}


def _is_text(name: str) -> bool:
    """Whether the name can be written as UTF-8; bytes that cannot are surrogates in Python."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
