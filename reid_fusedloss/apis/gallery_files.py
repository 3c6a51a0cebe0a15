"""Compare the entries of a gallery with their files: new, changed, missing."""

import os
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from ..search import Entry
from .sources import is_glob
from .work_list import WorkList

MISSING = 'missing'  # stamp of a file that does not exist
STAMP = 'file'  # key of an entry's info: size and modification time of its file


def absolute_stamps(work: WorkList) -> dict[str, str]:
    """Return absolute path -> state, of each file of a work list."""
    return {os.path.abspath(name): stamp for name, stamp in work.stamps.items()}


def known_stamps(entries: Iterable[Entry]) -> dict[str, str | None]:
    """Return name -> state of its file when it was added; None for entries without a file."""
    return {entry.name: (entry.info or {}).get(STAMP) for entry in entries}


def changed_files(known: Mapping[str, str | None], stamps: Mapping[str, str]) -> list[str]:
    """Return the files that are new or changed; a known file that is missing is not changed.

    Args:
        known: see `known_stamps`.
        stamps: see `absolute_stamps`.
    """
    return [
        name
        for name, stamp in stamps.items()
        if known.get(name, '') != stamp and not (name in known and stamp == MISSING)
    ]


def missing_files(
    known: Mapping[str, str | None], work: WorkList, recursive: bool
) -> tuple[list[str], list[str]]:
    """Return the entries whose file is missing: those that are gone, and those that may come back.

    An entry is gone if it is inside an input whose folder still holds something: a missing or empty
    folder may be that of a disk that is not mounted. Only subfolders of a named folder may be
    missing.

    Args:
        known: see `known_stamps`.
        work: the inputs; they exist.
        recursive: whether subfolders belong to the inputs.
    """
    missing = [name for name, stamp in known.items() if stamp and not os.path.exists(name)]
    listed = absolute_stamps(work).keys()
    holds_something = cache(_holds_something)
    gone = []
    for name in missing:
        folder = os.path.dirname(name)
        if any(_is_in_folder(folder, item, recursive) for item in work.inputs):
            while not os.path.lexists(folder):
                folder = os.path.dirname(folder)
        elif name not in listed and not any(_fits(name, item) for item in work.inputs):
            continue
        if holds_something(folder):
            gone.append(name)
    return gone, sorted(set(missing) - set(gone))


def _is_in_folder(folder: str, item: str, recursive: bool) -> bool:
    if not os.path.isdir(item):
        return False
    root = Path(os.path.abspath(item))
    return Path(folder) == root or recursive and root in Path(folder).parents


def _fits(name: str, item: str) -> bool:
    """Return whether a glob may match a path."""
    if not is_glob(item) or os.path.exists(item):
        return False
    return _parts_fit(Path(name).parts, Path(os.path.abspath(item)).parts)


def _parts_fit(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == '**':
        return any(_parts_fit(parts[skipped:], patterns[1:]) for skipped in range(len(parts) + 1))
    return (
        bool(parts) and fnmatchcase(parts[0], patterns[0]) and _parts_fit(parts[1:], patterns[1:])
    )


def _holds_something(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False
