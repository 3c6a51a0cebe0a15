"""Re-ranking with k-reciprocal encoding (Zhong et al., CVPR 2017), exact and sparse.

The classic code holds several dense N x N matrices, N = Q + G. Here the all-pairs distances pass
by in blocks and only the k1 + 1 nearest of each row stay; reciprocal sets, their expansion and
the encodings V are sparse matrices, and the Jaccard distance is gathered through the columns of V.
"""
from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Optional

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from .distance import CHUNK_SIZE, check_chunk_size, squared_distance_to
from .features import Features, as_feature_pair
from .neighbours import Neighbours, nearest_neighbours

Progress = Callable[[int, int], None]


def k_reciprocal_rerank(query: Features,
                        gallery: Features,
                        *,
                        k1: int = 20,
                        k2: int = 6,
                        lambda_value: float = 0.3,
                        chunk_size: int = CHUNK_SIZE,
                        progress: Optional[Progress] = None) -> Tensor:
    """Re-ranked distances (1 - lambda) * Jaccard + lambda * original (Zhong et al., eq. 12).

    Equal to the authors' code fed with the Euclidean distances of the L2-normalised features; the
    original distance is their square, divided by the query's largest to query and gallery. Equal
    distances are ordered by index, query first. As there, neighbour lists end at N = Q + G where
    k1 >= N, and zero vectors are at distance 0 from each other and 1 from the rest.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (G, C), on the query's device, which computes the distances.
        k1: size of the k-reciprocal sets, without the probe itself.
        k2: number of neighbours, the entry included, whose encodings are averaged; 1: none.
        lambda_value: weight of the original distance, 0 to 1.
        chunk_size: rows of the all-pairs distances held at a time, of N float32 each.
        progress: called with (done, total) rows after each block, total = 2 Q + G.

    Returns:
        Distances, shape (Q, G), float32, on the CPU.

    Raises:
        TypeError: if features are not of a floating-point type, or k1 or k2 no integer.
        ValueError: if the features are empty, not finite or do not fit each other, or not
            k1 >= 1, 1 <= k2 <= k1 + 1, 0 <= lambda_value <= 1 and chunk_size >= 1.
    """
    blocks = rerank_blocks(query, gallery, k1=k1, k2=k2, lambda_value=lambda_value,
                           chunk_size=chunk_size, progress=progress)
    distances, start = torch.empty(len(query), len(gallery)), 0
    for block in blocks:
        distances[start:start + len(block)] = torch.from_numpy(block)
        start += len(block)
    return distances


def rerank_blocks(query: Features,
                  gallery: Features,
                  *,
                  k1: int = 20,
                  k2: int = 6,
                  lambda_value: float = 0.3,
                  chunk_size: int = CHUNK_SIZE,
                  progress: Optional[Progress] = None) -> Iterator[np.ndarray]:
    """`k_reciprocal_rerank` without its (Q, G) result: some queries at a time.

    Arguments and errors are those of `k_reciprocal_rerank`. The work starts with the first block.

    Returns:
        Iterator over blocks of shape (up to chunk_size, G), float32, in the order of the queries.
    """
    check_rerank_options(k1, k2, lambda_value)
    check_chunk_size(chunk_size)
    query, gallery = as_feature_pair(query, gallery)
    return _rerank_blocks(query, gallery, k1, k2, lambda_value, chunk_size, progress)


def check_rerank_options(k1: int = 20, k2: int = 6, lambda_value: float = 0.3) -> None:
    """Raise the errors of `k_reciprocal_rerank` before there are features."""
    for name, value in (('k1', k1), ('k2', k2)):
        if not isinstance(value, Integral):
            raise TypeError(f'{name} is an integer, got {value!r}')
    if k1 < 1 or not 1 <= k2 <= k1 + 1:
        raise ValueError(f'expected k1 >= 1 and 1 <= k2 <= k1 + 1, got k1={k1}, k2={k2}')
    if not 0 <= lambda_value <= 1:
        raise ValueError(f'lambda_value is between 0 and 1, got {lambda_value}')


def _rerank_blocks(query: Tensor, gallery: Tensor, k1: int, k2: int, lambda_value: float,
                   chunk_size: int, progress: Optional[Progress]) -> Iterator[np.ndarray]:
    num_queries = len(query)
    features = _normalise_in_place(torch.cat([query, gallery]))
    total = num_queries + len(features)

    def report(done: int) -> None:
        if progress is not None:
            progress(done, total)

    count = min(k1 + 1, len(features))
    neighbours = nearest_neighbours(features, count, chunk_size, report)
    encodings = _encode(features, neighbours, k1, k2)
    by_column = encodings[num_queries:].tocsc()
    original_weight = (lambda_value / neighbours.scale).astype(np.float32)[:, None]
    gallery = features[num_queries:]
    squared_norm = torch.linalg.vector_norm(gallery, dim=1).square()
    for start in range(0, num_queries, chunk_size):
        stop = min(start + chunk_size, num_queries)
        block = squared_distance_to(features[start:stop], gallery, squared_norm).cpu().numpy()
        block *= original_weight[start:stop]
        for row, distances in enumerate(block, start):
            shared = _shared_weight(encodings, by_column, row)
            distances += (1 - lambda_value) * (1 - shared / (2 - shared))
        yield block
        report(len(features) + stop)


def _normalise_in_place(features: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features.div_(norm.clamp(min=torch.finfo(features.dtype).tiny)).float()


def _encode(features: Tensor, neighbours: Neighbours, k1: int, k2: int) -> sparse.csr_array:
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
    reciprocal = _reciprocal_sets(indices[:, :k1 + 1])
    half = _reciprocal_sets(indices[:, :round(k1 / 2) + 1])
    joined = reciprocal.multiply(reciprocal @ half.T).tocsr()
    joined.data = (3 * joined.data > 2 * np.diff(half.indptr)[joined.indices]).astype(np.int32)
    joined.eliminate_zeros()
    return (reciprocal + joined @ half).tocsr()


def _reciprocal_sets(lists: np.ndarray) -> sparse.csr_array:
    """Pairs that are in each other's list, as ones of shape (N, N)."""
    forward = _from_lists(lists, np.ones(lists.shape, np.int32))
    return forward.multiply(forward.T).tocsr()


def _gaussian_weights(features: Tensor, neighbours: Neighbours,
                      members: sparse.csr_array) -> sparse.csr_array:
    """exp(-d / max d) on the members of each set, rows summing to 1 (eq. 7)."""
    scale = neighbours.scale
    near = _from_lists(neighbours.indices,
                       np.exp(-neighbours.squared_distances / scale[:, None]))
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
    """Squared distances of given pairs, shape (P,), some thousand pairs at a time."""
    squared = [np.zeros(0, np.float32)]
    for start in range(0, len(rows), 4096):
        pair = slice(start, start + 4096)
        difference = features[rows[pair]] - features[columns[pair]]
        squared.append(difference.square_().sum(dim=1).cpu().numpy())
    return np.concatenate(squared)


def _shared_weight(encodings: sparse.csr_array, by_column: sparse.csc_array,
                   row: int) -> np.ndarray:
    """Sum of the element-wise minimum of one encoding and each of the gallery's, shape (G,).

    All rows sum to 1, so the sum of the maxima is 2 minus this.
    """
    own = slice(encodings.indptr[row], encodings.indptr[row + 1])
    columns, weights = encodings.indices[own], encodings.data[own]
    starts = by_column.indptr[columns]
    lengths = by_column.indptr[columns + 1] - starts
    offsets = np.repeat(starts - lengths.cumsum() + lengths, lengths)
    entries = offsets + np.arange(len(offsets))
    smaller = np.minimum(np.repeat(weights, lengths), by_column.data[entries])
    return np.bincount(by_column.indices[entries], smaller, minlength=by_column.shape[0])


def _from_lists(lists: np.ndarray, values: np.ndarray) -> sparse.csr_array:
    """Sparse (N, N) matrix with values (N, K) at the columns (N, K)."""
    number, width = lists.shape
    starts = np.arange(number + 1) * width
    return sparse.csr_array((values.ravel(), lists.ravel(), starts), shape=(number, number))
