"""A question to a gallery that others may be changing."""
from collections.abc import Sequence
from typing import Optional

import numpy as np

from .contents import Contents, features_of
from .entries import Label
from .kinds import faiss_errors
from .nearest import nearest_others
from .rerank import Rerank
from .result import SearchResult, make_result


def search_contents(contents: Contents, queries: np.ndarray, k: int,
                    names: Optional[Sequence[str]] = None,
                    camids: Optional[Sequence[Label]] = None, rerank: Optional[Rerank] = None,
                    threshold: Optional[float] = None) -> SearchResult:
    """The nearest entries of each query, all of one state; see `GalleryIndex.search`.

    Args:
        contents: of the gallery.
        queries: unit features, shape (Q, C), float32.
        k, names, camids, rerank, threshold: as there, already checked.

    Raises:
        MemoryError, RuntimeError: as `faiss_errors`.
    """
    with contents.reading() as state, faiss_errors(f'search in {len(state.entries)} entries'):
        wanted = min(max(k, rerank.candidates) if rerank else k, len(state.entries))
        distances, rows = nearest_others(state.vectors, state.kind, state.entries, queries,
                                         wanted, names, camids)
        count = len(state.entries)
        candidates, places = np.unique(rows if rerank else [], return_inverse=True)
        features = features_of(state, queries.shape[1], candidates[candidates >= 0])
    order = None
    if rerank is not None:  # others need not wait for it
        places = places.reshape(rows.shape) - np.sum(candidates < 0)
        order = [rerank.distances(query, features[found[found >= 0]])
                 for query, found in zip(queries, places)]
    return make_result(state.entries, distances, rows, min(k, count), threshold, order)
