"""Jaccard distances between sparse encodings, gathered through their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

PIECE_SIZE = 2**17  # entries worked on at a time: 1 MB of float64, which caches hold


def add_jaccard(
    block: np.ndarray, encodings: sparse.csr_array, by_column: sparse.csc_array, weight: float
) -> None:
    """Add weight * Jaccard distance to the block (b, G), some rows at a time.

    With t the sum of the element-wise minimum of two encodings, the Jaccard distance is
    1 - t / (2 - t): all rows sum to 1, so the sum of the maxima is 2 - t.

    Args:
        block: distances of b queries, changed in place.
        encodings: theirs, shape (b, N).
        by_column: those of the gallery, shape (G, N).
        weight: of the Jaccard distance.
    """
    block += weight
    height = max(1, PIECE_SIZE // block.shape[1])
    for start in range(0, len(block), height):
        piece = block[start : start + height]
        shared = _shared_weights(encodings[start : start + height], by_column)
        shared /= 2 - shared
        shared *= weight
        piece -= shared


def _shared_weights(encodings: sparse.csr_array, by_column: sparse.csc_array) -> np.ndarray:
    """Sums of the element-wise minimum of all encodings and the gallery's, shape (b, G)."""
    shape = encodings.shape[0], by_column.shape[0]
    columns, weights = encodings.indices, encodings.data
    starts = by_column.indptr[columns]
    lengths = by_column.indptr[columns + 1] - starts
    entries = np.repeat(starts - lengths.cumsum() + lengths, lengths)
    entries += np.arange(len(entries), dtype=entries.dtype)
    smaller = np.minimum(np.repeat(weights, lengths), by_column.data[entries])
    row_starts = np.repeat(np.arange(shape[0]) * shape[1], np.diff(encodings.indptr))
    places = np.repeat(row_starts, lengths) + by_column.indices[entries]
    sums = np.bincount(places, smaller, minlength=shape[0] * shape[1])
    return sums.astype(np.float64, copy=False).reshape(shape)  # integers where all is empty
