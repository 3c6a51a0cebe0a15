"""Search in a gallery that other threads may be changing."""

from collections.abc import Sequence

import numpy as np

from .contents import Contents, features_of
from .entries import Label
from .faiss_library import faiss_errors
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
        k, names, camids, rerank: as in `Gallery.search`, which checks them.
        threshold: as there, but None means no threshold.

    Raises:
        MemoryError, RuntimeError: as `faiss_errors`.
    """
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
