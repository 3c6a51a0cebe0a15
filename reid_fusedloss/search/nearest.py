"""Find the nearest rows of a faiss index, with ties ordered by row."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .entries import Entries, Label
from .faiss_library import load_faiss
from .kinds import Kind

Nearest = tuple[np.ndarray, np.ndarray]


def nearest_rows(
    vectors: Any, kind: Kind, queries: np.ndarray, k: int, kept: np.ndarray | None = None
) -> Nearest:
    """Find the cosine distances and rows of the nearest entries.

    Args:
        vectors: faiss index of N unit vectors, by inner product.
        kind: kind of the index.
        queries: unit vectors, shape (Q, C), float32.
        k: number of entries, at most N.
        kept: rows to search, shape (N,), bool; None: all.

    Returns:
        Distances (Q, k), float32, and rows (Q, k), int64, nearest first, ties by row; inf and -1
        where fewer were found.
    """
    distances = np.full((len(queries), k), np.inf, np.float32)
    rows = np.full((len(queries), k), -1, np.int64)
    selector = None
    if kept is not None:
        bits = np.packbits(kept, bitorder='little')
        selector = load_faiss().IDSelectorBitmap(bits)
    parameters = kind.search_parameters(selector)
    pending, width = np.arange(len(queries)), k
    while len(pending) and k:  # widen the search until it contains all ties with the last entry
        width = min(4 * width if width > k else k + 1, vectors.ntotal)
        found, places = _search(vectors, queries[pending], width, parameters)
        distances[pending], rows[pending] = found[:, :k], places[:, :k]
        tied = (found[:, k - 1] == found[:, -1]) & np.isfinite(found[:, -1])
        pending = pending[tied] if width < vectors.ntotal else pending[:0]
    return distances, rows


def nearest_others(
    vectors: Any,
    kind: Kind,
    entries: Entries,
    queries: np.ndarray,
    k: int,
    names: Sequence[str] | None = None,
    camids: Sequence[Label] | None = None,
) -> Nearest:
    """Run `nearest_rows` without a query's own entry and those of its camera.

    Args:
        vectors, kind, queries, k: see `nearest_rows`.
        entries: entries of the rows.
        names: names of the queries; an entry of the same name is left out; None: none is.
        camids: cameras of the queries; entries of the same camera are left out; None: none is.
    """
    width = min(k + (names is not None), len(entries))
    distances = np.full((len(queries), width), np.inf, np.float32)
    rows = np.full((len(queries), width), -1, np.int64)
    for camera in dict.fromkeys(camids) if camids is not None else [None]:
        chosen, kept = np.arange(len(queries)), None
        if camids is not None:
            chosen = np.flatnonzero([camid == camera for camid in camids])
        if camera is not None:
            kept = np.array([entry.camid != camera for entry in entries], bool)
        distances[chosen], rows[chosen] = nearest_rows(vectors, kind, queries[chosen], width, kept)
    if names is None:
        return distances, rows
    own = np.array([entries.row_of(name) if name in entries else -2 for name in names])
    is_own = rows == own[:, None]
    order = np.argsort(is_own, axis=1, kind='stable')[:, :k]
    distances[is_own], rows[is_own] = np.inf, -1
    return np.take_along_axis(distances, order, 1), np.take_along_axis(rows, order, 1)


def _search(vectors: Any, queries: np.ndarray, width: int, parameters: Any) -> Nearest:
    similarities, rows = vectors.search(queries, width, params=parameters)
    distances = np.where(rows < 0, np.float32(np.inf), 1 - similarities)
    order = np.lexsort((rows, distances))
    return np.take_along_axis(distances, order, 1), np.take_along_axis(rows, order, 1)
