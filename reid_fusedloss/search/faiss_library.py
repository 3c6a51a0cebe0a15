"""The library faiss: loaded when it is needed, with errors that say what could not be done."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch

from ..optional import require

# Queries times dimensions from which faiss multiplies matrices. The default of faiss 1.15, 128,000,
# makes 100 queries of 512 dimensions 8 to 13 times slower; older versions count queries, 20.
BLAS_FROM = 4000


def load_faiss() -> ModuleType:
    """Import faiss and let it use as many threads as PyTorch.

    Raises:
        ImportError: if it is not installed.
    """
    faiss = require('faiss', 'search in a gallery')
    faiss.omp_set_num_threads(torch.get_num_threads())
    faiss.cvar.distance_compute_blas_threshold = min(
        faiss.cvar.distance_compute_blas_threshold, BLAS_FROM
    )
    return faiss


@contextmanager
def faiss_errors(doing: str) -> Iterator[None]:
    """Add to errors of faiss, and to a lack of memory, what could not be done.

    Args:
        doing: the task, such as 'search in an index of 5 entries'.

    Raises:
        MemoryError: if there is too little memory.
        RuntimeError: if faiss fails in another way.
    """
    try:
        yield
    except MemoryError:
        raise MemoryError(f"too little memory to {doing}: kind='ivfpq' needs the least") from None
    except RuntimeError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise RuntimeError(f'faiss could not {doing}: {lines[-1]}') from error


def empty_index(dims: int, recipe: str) -> Any:
    """Make an empty faiss index by inner product from a recipe of its index factory."""
    faiss = load_faiss()
    return faiss.index_factory(dims, recipe, faiss.METRIC_INNER_PRODUCT)
