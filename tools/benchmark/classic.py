"""k-reciprocal re-ranking as published: dense, in float64, as a reference."""

import numpy as np
from scipy.spatial.distance import cdist


def classic_rerank(
    query: np.ndarray, gallery: np.ndarray, k1: int = 20, k2: int = 6, lambda_value: float = 0.3
) -> np.ndarray:
    """Compute the re-ranked distances (Q, G) of Zhong et al. (CVPR 2017) in float64.

    Follows the paper, and its authors' code where the paper does not specify: squared Euclidean
    distances of the normalised features, divided by each image's largest; lists of k1 + 1 and
    round(k1 / 2) + 1 entries, the image itself ranked by its distance, equal distances by index.
    Holds several matrices of (Q + G)^2: for a few thousand images.

    Args:
        query: features, shape (Q, C), without zero vectors.
        gallery: features, shape (G, C), without zero vectors.
        k1: size of the k-reciprocal sets.
        k2: number of neighbours whose encodings are averaged.
        lambda_value: weight of the original distance.
    """
    features = np.concatenate([query, gallery]).astype(np.float64)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    original = cdist(features, features, 'sqeuclidean')
    original /= original.max(axis=1, keepdims=True)
    rank = np.argsort(original, axis=1, kind='stable')
    weights = np.where(_expanded(rank, k1), np.exp(-original), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    if k2 != 1:
        weights = np.stack([weights[near].mean(axis=0) for near in rank[:, :k2]])
    num_queries = len(query)
    result = lambda_value * original[:num_queries, num_queries:]
    for row, own in zip(result, weights):
        used = np.flatnonzero(own)
        others = weights[num_queries:, used]
        smaller = np.minimum(own[used], others).sum(axis=1)
        larger = 2 - smaller
        row += (1 - lambda_value) * (1 - smaller / larger)
    return result


def _expanded(rank: np.ndarray, k1: int) -> np.ndarray:
    """Compute membership (N, N) in the expanded reciprocal sets (eq. 4)."""
    full, half = _reciprocal(rank, k1 + 1), _reciprocal(rank, round(k1 / 2) + 1)
    expanded = full.copy()
    for own, joined in zip(full, expanded):
        for candidate in half[own]:
            if 3 * np.count_nonzero(candidate & own) > 2 * np.count_nonzero(candidate):
                joined |= candidate
    return expanded


def _reciprocal(rank: np.ndarray, length: int) -> np.ndarray:
    """Find which images are in each other's list, bool (N, N)."""
    near = np.zeros(rank.shape, bool)
    np.put_along_axis(near, rank[:, :length], True, axis=1)
    return near & near.T
