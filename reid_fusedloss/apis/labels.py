"""Identities and cameras of a gallery, out of the names of its files."""

from pathlib import Path

from ..datasets.file_names import compile_pattern
from ..search import Entry, GalleryIndex
from .gallery_files import STAMP
from .query_gallery import MARKET1501 as PATTERN

NOBODY = '-1'  # what Market-1501 calls those that it knows nothing of
DISTRACTOR = '0000'  # and who is there to make the search harder: no identity either


def use_pattern(index: GalleryIndex, pattern: str | None) -> None:
    """Let a gallery read its labels by a pattern; None: by its own, or Market-1501's."""
    if pattern is not None and pattern != index.pattern:
        relabel(index, pattern)
    index.pattern = index.pattern or PATTERN


def relabel(index: GalleryIndex, pattern: str) -> None:
    """Read the labels of the entries that came from files out of their names again.

    Args:
        index: it keeps the pattern too.
        pattern: see `parse_labels`.

    Raises:
        TypeError, ValueError: as `compile_pattern`.
    """
    compile_pattern(pattern)
    index.relabel(
        lambda entry: (
            Entry(entry.name, *parse_labels(entry.name, pattern), entry.info)
            if (entry.info or {}).get(STAMP)
            else entry
        )
    )
    index.pattern = pattern


def parse_labels(path: str, pattern: str = PATTERN) -> tuple[str | None, str | None]:
    """Identity and camera out of the name of a file, as strings; None for what it does not say.

    The identity -1, and 0000 of Market-1501's pattern, are nobody: None.

    Args:
        path: its folders are not looked at.
        pattern: regular expression, matched at the start of the name, with the groups `pid` and,
            where there are cameras, `camid`.

    Raises:
        TypeError, ValueError: as `compile_pattern`.
    """
    match = compile_pattern(pattern).match(Path(path).name)
    groups = match.groupdict() if match else {}
    pid = groups.get('pid') or None
    nobody = pid == NOBODY or pid == DISTRACTOR and pattern == PATTERN
    return None if nobody else pid, groups.get('camid') or None
