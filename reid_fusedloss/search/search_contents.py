"""Search in a gallery that other threads may be changing."""

from collections.abc import Sequence

import numpy as np

from ..checks import check_int, check_number
from .contents import Contents, features_of
from .entries import Label
from .kinds import faiss_errors
from .nearest import nearest_others
from .rerank import Rerank
from .result import SearchResult, make_result


def search_contents(
    contents: Contents,
    queries: np.ndarray,
    k: int,
    names: Sequence[str] | None = None,
    camids: Sequence[Label] | None = None,
    rerank: Rerank | None = None,
    threshold: float | None = None,
) -> SearchResult:
    """Find the nearest entries of each query in one state of a gallery.

    Args:
        contents: contents of the gallery.
        queries: unit features, shape (Q, C), float32.
        k, names, camids, rerank: as in `GalleryIndex.search`.
        threshold: as there, but None means no threshold.

    Raises:
        TypeError, ValueError: as `GalleryIndex.search`.
        MemoryError, RuntimeError: as `faiss_errors`.
    """
    check_int('k', k)
    if threshold is not None:
        check_number('threshold', threshold)
    if rerank is not None and not isinstance(rerank, Rerank):
        raise TypeError(f'rerank={rerank!r} must be a Rerank() or None')
    for name, column in (('names', names), ('camids', camids)):
        if column is not None and len(column) != len(queries):
            raise ValueError(f'{len(queries)} queries, but {len(column)} {name}')
    with contents.reading() as state, faiss_errors(f'search in {len(state.entries)} entries'):
        wanted = min(max(k, rerank.candidates) if rerank else k, len(state.entries))
        distances, rows = nearest_others(
            state.vectors, state.kind, state.entries, queries, wanted, names, camids
        )
        count = len(state.entries)
        candidates, places = np.unique(rows if rerank else [], return_inverse=True)
        features = features_of(state, queries.shape[1], candidates[candidates >= 0])
    order = None
    if rerank is not None:  # outside the lock, so that other threads need not wait
        places = places.reshape(rows.shape) - np.sum(candidates < 0)
        order = [
            rerank.distances(query, features[found[found >= 0]])
            for query, found in zip(queries, places)
        ]
    return make_result(state.entries, distances, rows, min(k, count), threshold, order)
