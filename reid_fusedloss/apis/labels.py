"""Read identities and cameras from file names: of a gallery's entries, and for an evaluation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.file_names import ImageFile, compile_pattern, parse_names, to_labels
from ..evaluation.embeddings import EmbeddingTable
from ..search import Entry, Gallery
from .extraction import Extraction
from .gallery_files import STAMP

PATTERN = r'(?P<pid>-?\d+)_c(?P<camid>\d+)'  # of Market-1501's file names
JUNK = ('-1',)  # Market-1501's identity of bad detections
DISTRACTOR = '0000'  # Market-1501's identity of distractors


def use_pattern(index: Gallery, pattern: str | None) -> str:
    """Set and return a gallery's pattern of labels; None: keep its own, or use Market-1501's."""
    if pattern is not None and pattern != index.pattern:
        relabel(index, pattern)
    used = index.pattern or PATTERN
    index.pattern = used
    return used


def relabel(index: Gallery, pattern: str) -> None:
    """Read the labels of all entries that came from files from their names again.

    Args:
        index: its pattern is set too.
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
    """Read identity and camera from a file name, as strings; None for what it does not state.

    The identity -1, and 0000 with Market-1501's pattern, are not people: None.

    Args:
        path: its folders are ignored.
        pattern: regular expression, matched at the start of the name, with the groups `pid` and,
            where there are cameras, `camid`.

    Raises:
        TypeError, ValueError: as `compile_pattern`.
    """
    match = compile_pattern(pattern).match(Path(path).name)
    groups = match.groupdict() if match else {}
    pid = groups.get('pid') or None
    unlabelled = pid in JUNK or pid == DISTRACTOR and pattern == PATTERN
    return None if unlabelled else pid, groups.get('camid') or None


def label_names(
    query: Extraction, gallery: Extraction, pattern: str = PATTERN, junk_pids: Sequence[str] = JUNK
) -> EmbeddingTable:
    """Build a table for `save_features`: features with identities and cameras from the names.

    Args:
        query: features of the queries.
        gallery: features of the gallery.
        pattern: regular expression on base names with the group `pid` and, where there are cameras,
            `camid`; the default is that of Market-1501's names.
        junk_pids: identities that are left out.

    Raises:
        TypeError, ValueError: as `parse_names`.
    """
    files: list[ImageFile] = []
    rows: list[np.ndarray] = []
    is_query: list[bool] = []
    for part, role in ((query, True), (gallery, False)):
        for name, row in zip(part.names, part.features):
            found = parse_names([Path(name)], pattern, junk_pids)
            files += found
            rows += [row] * len(found)
            is_query += [role] * len(found)
    pids = to_labels(file.pid for file in files)
    camids = to_labels(file.camid for file in files if file.camid is not None)
    columns: dict[str, list[Any]] = dict(
        sample_idx=list(range(len(files))),
        pid=[pids[file.pid] for file in files],
        camid=[None if file.camid is None else camids[file.camid] for file in files],
        is_query=is_query,
        img_path=[file.path for file in files],
    )
    features = np.array(rows, np.float32).reshape(-1, query.features.shape[1])
    return EmbeddingTable(dict(embedding=features), columns)
