"""Ranking metrics and k-reciprocal re-ranking as plain loops in float64, memory no concern."""

from collections.abc import Sequence

import numpy as np


def random_case(seed: int, levels: int = 0, cameras: int = 3) -> tuple:
    """Distances (12, 40) and the four label arrays; levels > 0: only so many different values."""
    rng = np.random.RandomState(seed)
    distances = rng.rand(12, 40)
    if levels:
        distances = np.floor(distances * levels) / levels
    pids = rng.randint(0, 6, 12), rng.randint(1, 8, 40)
    camids = (rng.randint(0, cameras, 12), rng.randint(0, cameras, 40)) if cameras else (None, None)
    return distances, *pids, *camids


def exact_features(seed: int = 0) -> tuple:
    """Features of +1 and -1: all norms are 4 and all distances exact, with many ties."""
    rng = np.random.RandomState(seed)
    query, gallery = (rng.choice([-1.0, 1.0], (size, 16)).astype(np.float32) for size in (12, 40))
    return query, gallery, *random_case(seed)[1:]


def order_without_junk(
    distances: Sequence[float],
    pid: object,
    camid: object,
    gallery_pids: Sequence,
    gallery_camids: Sequence,
) -> list[int]:
    """Gallery indices by distance, then index; entries of the same identity and camera dropped."""
    junk = {
        j
        for j in range(len(gallery_pids))
        if gallery_camids is not None and gallery_pids[j] == pid and gallery_camids[j] == camid
    }
    kept = [j for j in range(len(gallery_pids)) if j not in junk]
    return sorted(kept, key=lambda j: (float(distances[j]), j))


def average_precision(hits: Sequence[bool], ap: str) -> float:
    """AP of one ranking, by walking down it."""
    total, found, before, area = sum(hits), 0, 1.0, 0.0
    for place, hit in enumerate(hits, 1):
        found += hit
        precision = found / place
        if hit:
            area += precision / total if ap == 'ir' else (before + precision) / 2 / total
        before = precision
    return area


def ranking_metrics(
    distances: np.ndarray,
    query_pids: Sequence,
    gallery_pids: Sequence,
    query_camids: Sequence,
    gallery_camids: Sequence,
    ap: str,
    topk: Sequence[int],
) -> dict[str, float]:
    """Averages over the queries with a positive, in percent."""
    aps, inps, firsts = [], [], []
    for i, pid in enumerate(query_pids):
        camid = None if query_camids is None else query_camids[i]
        order = order_without_junk(distances[i], pid, camid, gallery_pids, gallery_camids)
        hits = [bool(gallery_pids[j] == pid) for j in order]
        if not any(hits):
            continue
        places = [place for place, hit in enumerate(hits, 1) if hit]
        aps.append(average_precision(hits, ap))
        inps.append(len(places) / places[-1])
        firsts.append(places[0])
    number = len(aps)
    metrics = {f'R{k}': 100 * sum(first <= k for first in firsts) / number for k in topk}
    return dict(
        metrics,
        mAP=100 * sum(aps) / number,
        mINP=100 * sum(inps) / number,
        num_valid_queries=number,
    )


def euclidean_of_normalised(features: np.ndarray) -> np.ndarray:
    """Euclidean distances (N, N) of the L2-normalised features, from their differences."""
    features = features.astype(np.float64)
    features = features / np.sqrt((features**2).sum(axis=1, keepdims=True))
    return np.stack([np.sqrt(((features - row) ** 2).sum(axis=1)) for row in features])


def k_reciprocal(
    distances: np.ndarray, num_queries: int, k1: int, k2: int, lambda_value: float
) -> np.ndarray:
    """Re-ranked distances (Q, G) from all pairs' distances (N, N), query first.

    Zhong et al., CVPR 2017: square, divide columns by their maximum, transpose, reciprocal lists
    of k1 + 1, expansion by lists of half the size, Gaussian weights, local query expansion over
    k2, Jaccard distance, mix. Equal distances are ordered by index.
    """
    number = len(distances)
    original = distances**2
    original = (original / original.max(axis=0)).T
    rank = np.argsort(original, axis=1, kind='stable')

    def reciprocal(i: int, size: int) -> set[int]:
        return {int(j) for j in rank[i, :size] if i in rank[j, :size]}

    half = int(np.around(k1 / 2)) + 1
    encoding = np.zeros((number, number))
    for i in range(number):
        base = reciprocal(i, k1 + 1)
        expanded = set(base)
        for candidate in base:
            others = reciprocal(candidate, half)
            if len(others & base) > 2 / 3 * len(others):
                expanded |= others
        members = sorted(expanded)
        weights = np.exp(-original[i, members])
        encoding[i, members] = weights / weights.sum()
    if k2 != 1:
        encoding = np.stack([encoding[rank[i, :k2]].mean(axis=0) for i in range(number)])
    result = np.zeros((num_queries, number - num_queries))
    for i in range(num_queries):
        for j in range(num_queries, number):
            shared = np.minimum(encoding[i], encoding[j]).sum()
            jaccard = 1 - shared / (2 - shared)
            result[i, j - num_queries] = (1 - lambda_value) * jaccard + lambda_value * original[
                i, j
            ]
    return result


def alpha_query_expansion(
    query: np.ndarray, gallery: np.ndarray, k: int, alpha: float, times: int, expand_gallery: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means over the k most similar, one feature after the other."""

    def unit(vector: np.ndarray) -> np.ndarray:
        length = np.sqrt((vector**2).sum())
        return vector / length if length else vector

    features = [unit(row.astype(np.float64)) for row in [*query, *gallery]]
    for _ in range(times):
        expanded = list(features)
        for i, feature in enumerate(features):
            if i >= len(query) and not expand_gallery:
                continue
            pool = (
                range(len(features)) if expand_gallery else [i, *range(len(query), len(features))]
            )
            order = sorted(pool, key=lambda j: (-float(features[j] @ feature), j))
            if not expand_gallery:  # the query itself comes first, whatever its copies
                order = [i] + [j for j in order if j != i]
            mean = np.zeros_like(feature)
            for j in order[:k]:
                mean += max(0.0, float(features[j] @ feature)) ** alpha * features[j]
            expanded[i] = unit(mean)
        features = expanded
    return np.stack(features[: len(query)]), np.stack(features[len(query) :])
