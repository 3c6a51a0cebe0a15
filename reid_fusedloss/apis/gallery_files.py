"""Which entries of a gallery are files, and what became of these."""

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from ..search import GalleryIndex
from .sources import is_glob
from .work_list import WorkList

MISSING = 'missing'  # what a work list says of a file that is not there
STAMP = 'file'  # key of an entry's info: size and time of change of its file


def absolute_stamps(work: WorkList) -> dict[str, str]:
    """By absolute path, the state of each file of a work list."""
    return {os.path.abspath(name): stamp for name, stamp in work.stamps.items()}


def known_stamps(index: GalleryIndex) -> dict[str, str | None]:
    """By name, the state that the file of each entry had; None for those that were no files."""
    return {entry.name: (entry.info or {}).get(STAMP) for entry in index.entries}


def changed_files(known: Mapping[str, str | None], stamps: Mapping[str, str]) -> list[str]:
    """Files that are new or others than before; a known one that is missing has not changed.

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
    """Entries whose file is not there: those that are gone, and those that may come back.

    An entry is gone if it lies inside an input, and something else is where it was: a folder that
    is missing or empty may be one of a disk that is not mounted. Only folders in a folder that was
    named may be missing.

    Args:
        known: see `known_stamps`.
        work: the inputs; they exist.
        recursive: whether the folders of folders belong to them.
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
    """Whether a path is one that a glob may find."""
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
