"""The result of a search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .entries import Entries, Entry


class Hit(NamedTuple):
    """An entry that was found.

    Attributes:
        entry: name, identity, camera and info.
        distance: cosine distance to the query.
        row: its row in the index.
        reranked: distance that orders a re-ranked list; None: the list is not re-ranked.
    """

    entry: Entry
    distance: float
    row: int
    reranked: float | None = None


@dataclass(frozen=True)
class SearchResult:
    """The K = min(k, number of entries) nearest entries of each query.

    Attributes:
        distances: cosine distances, shape (Q, K), float32, nearest first (re-ranked lists are in
            the order of `reranked`); inf where fewer than K were found.
        rows: rows in the index, shape (Q, K), int64; -1 where fewer than K were found.
        hits: for each query the entries that were found, at most K.
        nearest: cosine distance of the nearest entry, shape (Q,); inf if none was found.
        nearest_entries: that entry of each query, which may not be among the hits of a re-ranked
            search; None if none was found.
        known: whether the nearest entry is nearer than the threshold, shape (Q,); None: there is
            no threshold.
        threshold: the threshold that was used, or None.
        reranked: distances after re-ranking, shape (Q, K); None: not re-ranked.
    """

    distances: np.ndarray
    rows: np.ndarray
    hits: list[list[Hit]]
    nearest: np.ndarray
    nearest_entries: list[Entry | None]
    known: np.ndarray | None = None
    threshold: float | None = None
    reranked: np.ndarray | None = None


def make_result(
    entries: Entries,
    distances: np.ndarray,
    rows: np.ndarray,
    k: int,
    threshold: float | None = None,
    reranked: Sequence[np.ndarray] | None = None,
) -> SearchResult:
    """Make a result from the candidates of each query.

    Args:
        entries: entries of the gallery.
        distances: shape (Q, M), nearest first, inf where there is no candidate.
        rows: shape (Q, M), -1 where there is no candidate.
        k: number of entries to keep, at most M.
        threshold: distance at or above which a query has no match, or None.
        reranked: for each query the re-ranked distances of its candidates, or None.
    """
    nearest = distances[:, 0] if distances.shape[1] else np.full(len(rows), np.inf, np.float32)
    first = rows[:, 0] if rows.shape[1] else np.full(len(rows), -1)
    nearest_entries = [entries[row] if row >= 0 else None for row in first]
    ordered = None
    if reranked is not None:
        ordered = np.full(distances.shape, np.inf, np.float32)
        for line, values in zip(ordered, reranked):
            line[: len(values)] = values
        order = np.lexsort((rows, distances, ordered))
        distances, rows, ordered = (
            np.take_along_axis(array, order, 1)[:, :k] for array in (distances, rows, ordered)
        )
    distances, rows = distances[:, :k], rows[:, :k]
    hits = [
        [
            Hit(
                entries[row],
                float(distances[query, place]),
                int(row),
                None if ordered is None else float(ordered[query, place]),
            )
            for place, row in enumerate(line)
            if row >= 0
        ]
        for query, line in enumerate(rows)
    ]
    known = None if threshold is None else nearest < threshold
    return SearchResult(distances, rows, hits, nearest, nearest_entries, known, threshold, ordered)
