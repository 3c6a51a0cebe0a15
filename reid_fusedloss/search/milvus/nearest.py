"""Find the nearest rows of a Milvus collection, with ties ordered by name."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..entries import Entries, Entry, Label
from ..kinds import Kind
from ..rerank import Rerank
from ..result import SearchResult, make_result
from .connection import Connection
from .kinds import search_parameters
from .rows import BLOCK_BYTES, CAMID, ENTRY, VECTOR, label_text, to_entry

MOST = 16384  # entries that Milvus returns for a query
QUERIES = 64  # in a request


class Found(NamedTuple):
    """A row that was found.

    Attributes:
        entry: its entry.
        distance: cosine distance to the query.
        unit: its unit feature, shape (C,); None: not fetched.
    """

    entry: Entry
    distance: np.float32
    unit: np.ndarray | None


def nearest_entries(
    connection: Connection,
    kind: Kind,
    queries: np.ndarray,
    k: int,
    camids: Sequence[Label] | None = None,
    units: bool = False,
) -> list[list[Found]]:
    """Find the nearest entries of each query, ties by name.

    Args:
        connection: to the collection.
        kind: kind of its index.
        queries: unit features, shape (Q, C), float32.
        k: number of entries.
        camids: cameras of the queries; entries of the same camera are left out, except for a
            query whose camera is None. None: none is.
        units: fetch the features too.

    Raises:
        ValueError: if k is more than Milvus returns.
    """
    if k > MOST:
        raise ValueError(f'Milvus returns at most {MOST} entries for a query, got k={k}')
    found: list[list[Found]] = [[] for _ in queries]
    cameras: list[Label] = list(camids) if camids is not None else [None] * len(queries)
    for camera in dict.fromkeys(cameras):
        chosen = np.flatnonzero([camid == camera for camid in cameras])
        others = '' if camera is None else f"{CAMID} != '{label_text(camera)}'"
        width = min(k + 1, MOST)
        while len(chosen):  # widen the search until it contains all ties with the last entry
            tied = []
            for query, hits in zip(
                chosen, _search(connection, kind, queries[chosen], width, others, units)
            ):
                found[query] = hits[:k]
                if len(hits) == width > k and hits[k - 1].distance == hits[-1].distance:
                    tied.append(query)
            chosen = np.array(tied if width < MOST else [], np.int64)
            width = min(4 * width, MOST)
    return found


def as_result(
    found: list[list[Found]],
    queries: np.ndarray,
    k: int,
    rerank: Rerank | None,
    threshold: float | None,
) -> SearchResult:
    """Make a result, whose rows number the entries that were found, by name.

    Args:
        found: of each query, nearest first.
        queries: unit features, shape (Q, C), float32.
        k: number of entries of the result.
        rerank: re-rank what was found, whose features were fetched; None: do not.
        threshold: distance at or above which a query has no match, or None.
    """
    entries = {hit.entry.name: hit.entry for hits in found for hit in hits}
    names = sorted(entries)
    places = {name: row for row, name in enumerate(names)}
    width = max(map(len, found), default=0)
    distances = np.full((len(found), width), np.inf, np.float32)
    rows = np.full((len(found), width), -1, np.int64)
    for query, hits in enumerate(found):
        distances[query, : len(hits)] = [hit.distance for hit in hits]
        rows[query, : len(hits)] = [places[hit.entry.name] for hit in hits]
    order = None
    if rerank is not None:
        order = [
            rerank.distances(query, np.array([hit.unit for hit in hits], np.float32))
            for query, hits in zip(queries, found)
        ]
    ordered = Entries(entries[name] for name in names)
    return make_result(ordered, distances, rows, min(k, width), threshold, order)


def _search(
    connection: Connection, kind: Kind, queries: np.ndarray, limit: int, others: str, units: bool
) -> list[list[Found]]:
    """Search in as many requests as their answers need."""
    fields = [ENTRY, VECTOR] if units else [ENTRY]
    hit_bytes = 4 * queries.shape[1] if units else 512
    size = max(1, min(QUERIES, BLOCK_BYTES // (limit * hit_bytes)))
    found: list[list[Found]] = []
    for first in range(0, len(queries), size):
        lists = connection.call(
            'search',
            'search',
            data=list(queries[first : first + size]),
            anns_field=VECTOR,
            filter=others,
            limit=limit,
            output_fields=fields,
            search_params=search_parameters(kind, limit),
        )
        found += [sorted(map(_hit, hits), key=_by_distance) for hits in lists]
    return found


def _hit(hit: Any) -> Found:
    row = hit['entity']
    unit = np.asarray(row[VECTOR], np.float32) if VECTOR in row else None
    return Found(to_entry(row), np.float32(1) - np.float32(hit['distance']), unit)


def _by_distance(hit: Found) -> tuple[np.float32, str]:
    return hit.distance, hit.entry.name
