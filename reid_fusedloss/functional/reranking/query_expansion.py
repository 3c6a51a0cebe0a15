"""Alpha-weighted query expansion."""

from numbers import Integral, Real

import torch
from torch import Tensor

from ..backend import choose_backend, piece_size
from ..distance import CHUNK_SIZE, check_chunk_size, squared_distance_to
from ..features import Features, as_feature_pair, normalised
from .neighbours import nearest_neighbours, smallest


def alpha_query_expansion(
    query: Features,
    gallery: Features,
    *,
    k: int = 5,
    alpha: float = 3.0,
    times: int = 1,
    expand_gallery: bool = True,
    chunk_size: int = CHUNK_SIZE,
    backend: str = 'auto',
) -> tuple[Tensor, Tensor]:
    """Replace features by weighted means of their neighbourhood (Radenovic et al., TPAMI 2018).

    f_new = sum_i max(0, cos(f, f_i))^alpha f_i over the k most similar features, the feature
    itself among them, then L2-normalised (section 3.4 there, "alphaQE"). With `expand_gallery`
    query and gallery are expanded alike, each from all of both, as FastReID does; without, the
    queries from the gallery only, as in the paper: no query depends on another. Zero vectors are
    neighbours of no feature and stay as they are.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (G, C), on the query's device.
        k: number of features that are averaged; all there are, if there are fewer.
        alpha: exponent of the cosine similarity, 0: the plain mean.
        times: how often the expansion is repeated.
        expand_gallery: whether the gallery's features are expanded too.
        chunk_size: rows of the distance matrix, or as much of it, held at a time.
        backend: whose matrix product, see `choose_backend`.

    Returns:
        Query and gallery features, float32, L2-normalised.

    Raises:
        TypeError: if features are not of a floating-point type or an option is of a wrong type.
        ValueError: if the features are empty, not finite or do not fit each other, or an option is
            out of range.
    """
    check_query_expansion_options(k, alpha, times, expand_gallery)
    check_chunk_size(chunk_size)
    query, gallery = as_feature_pair(query, gallery)
    backend = choose_backend(backend, query.device)
    num_queries = len(query)
    everything = normalised(torch.cat([query, gallery]))
    present = everything.any(dim=1)
    features = everything if present.all() else everything[present]
    num_present = int(present[:num_queries].sum())
    for _ in range(times if len(features) else 0):
        if expand_gallery:
            near = nearest_neighbours(features, min(k, len(features)), chunk_size, backend)
            features = _weighted_means(
                features,
                torch.from_numpy(near.indices),
                torch.from_numpy(near.squared_distances),
                alpha,
            )
        elif num_present:
            lists = _nearest_of_gallery(features, num_present, k - 1, chunk_size, backend)
            features[:num_present] = _weighted_means(features, *lists, alpha)
    if len(features) < len(everything):
        everything[present] = features
        features = everything
    return features[:num_queries], features[num_queries:]


def check_query_expansion_options(
    k: int = 5, alpha: float = 3.0, times: int = 1, expand_gallery: bool = True
) -> None:
    """Check the options of `alpha_query_expansion` before any feature is computed."""
    for name, value in (('k', k), ('times', times)):
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise TypeError(f'{name} is an integer, got {value!r}')
        if value < 1:
            raise ValueError(f'{name} is at least 1, got {value}')
    if not isinstance(alpha, Real) or not isinstance(expand_gallery, bool):
        raise TypeError(
            'alpha is a number and expand_gallery True or False, got '
            f'alpha={alpha!r}, expand_gallery={expand_gallery!r}'
        )
    if not 0 <= alpha < float('inf'):
        raise ValueError(f'alpha is finite and not negative, got {alpha}')


def _nearest_of_gallery(
    features: Tensor, num_queries: int, count: int, chunk_size: int, backend: str
) -> tuple[Tensor, Tensor]:
    """Indices (Q, count + 1) and squared distances of the query itself and its nearest gallery."""
    gallery = features[num_queries:]
    squared_norm = torch.linalg.vector_norm(gallery, dim=1).square()
    own = torch.arange(num_queries, device=features.device)[:, None]
    rows_of, distances_of = [], []
    for rows in torch.split(features[:num_queries], int(chunk_size)):
        block = squared_distance_to(rows, gallery, squared_norm, backend)
        nearest = smallest(block, min(count, len(gallery)))
        distances_of.append(nearest[0])
        rows_of.append(nearest[1] + num_queries)
    values, indices = torch.cat(distances_of), torch.cat(rows_of)
    return (
        torch.cat([own, indices], dim=1),
        torch.cat([values.new_zeros(num_queries, 1), values], dim=1),
    )


def _weighted_means(
    features: Tensor, indices: Tensor, squared_distances: Tensor, alpha: float
) -> Tensor:
    """Normalised means (B, C) of the features at indices (B, K), by their cosine similarity."""
    indices = indices.to(features.device)
    weights = (1 - squared_distances.to(features.device) / 2).clamp(min=0).pow(alpha)
    means = []
    step = max(1, piece_size(features.device) // (indices.shape[1] * features.shape[1]))
    for near, weight in zip(torch.split(indices, step), torch.split(weights, step)):
        means.append((features[near] * weight[:, :, None]).sum(dim=1))
    return normalised(torch.cat(means))
