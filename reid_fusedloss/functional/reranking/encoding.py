"""k-reciprocal encodings (Zhong et al., CVPR 2017) as sparse matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..backend import piece_size
from .neighbours import Neighbours

if TYPE_CHECKING:
    from scipy import sparse


def encode(features: Tensor, neighbours: Neighbours, k1: int, k2: int) -> sparse.csr_array:
    """Encodings V, shape (N, N): each row the averaged weights of its expanded reciprocal set."""
    members = _expanded_sets(neighbours.indices, k1)
    weights = _gaussian_weights(features, neighbours, members)
    if k2 == 1:
        return weights
    nearest = neighbours.indices[:, :k2]
    average = _from_lists(nearest, np.full(nearest.shape, 1 / nearest.shape[1], np.float32))
    return average @ weights


def _expanded_sets(indices: np.ndarray, k1: int) -> sparse.csr_array:
    """R*(i, k1): k-reciprocal sets, joined with the half-size sets of their members (eq. 4).

    The half-size set of a member joins if it shares more than two thirds of its entries with the
    reciprocal set. Sizes are the authors': k1 + 1 and round-half-to-even(k1 / 2) + 1.
    """
    reciprocal = _reciprocal_sets(indices[:, : k1 + 1])
    half = _reciprocal_sets(indices[:, : round(k1 / 2) + 1])
    joined = reciprocal.multiply(reciprocal @ half.T).tocsr()
    joined.data = (3 * joined.data > 2 * np.diff(half.indptr)[joined.indices]).astype(np.int32)
    joined.eliminate_zeros()
    return (reciprocal + joined @ half).tocsr()


def _reciprocal_sets(lists: np.ndarray) -> sparse.csr_array:
    """Pairs that are in each other's list, as ones of shape (N, N)."""
    forward = _from_lists(lists, np.ones(lists.shape, np.int32))
    return forward.multiply(forward.T).tocsr()


def _gaussian_weights(
    features: Tensor, neighbours: Neighbours, members: sparse.csr_array
) -> sparse.csr_array:
    """exp(-d / max d) on the members of each set, rows summing to 1 (eq. 7)."""
    scale = neighbours.scale
    near = _from_lists(neighbours.indices, np.exp(-neighbours.squared_distances / scale[:, None]))
    members.data = np.ones(members.nnz, np.float32)
    near = members.multiply(near).tocsr()
    outside = (members - near.sign()).tocsr()
    outside.eliminate_zeros()
    rows = np.repeat(np.arange(len(scale)), np.diff(outside.indptr))
    outside.data = np.exp(-_pair_distances(features, rows, outside.indices) / scale[rows])
    weights = (near + outside).tocsr()
    weights.data /= np.repeat(weights.sum(axis=1).ravel(), np.diff(weights.indptr))
    return weights


def _pair_distances(features: Tensor, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Squared distances of given pairs, shape (P,), some pairs at a time."""
    squared = np.empty(len(rows), np.float32)
    step = max(1, piece_size(features.device) // features.shape[1])
    for start in range(0, len(rows), step):
        pair = slice(start, start + step)
        first, second = (
            torch.from_numpy(places[pair]).long().to(features.device) for places in (rows, columns)
        )
        difference = features[first] - features[second]
        squared[pair] = difference.square_().sum(dim=1).cpu().numpy()
    return squared


def _from_lists(lists: np.ndarray, values: np.ndarray) -> sparse.csr_array:
    """Sparse (N, N) matrix with values (N, K) at the columns (N, K)."""
    from scipy import sparse  # not above: most processes never re-rank

    number, width = lists.shape
    starts = np.arange(number + 1) * width
    return sparse.csr_array((values.ravel(), lists.ravel(), starts), shape=(number, number))
