"""Distances between all rows of two feature matrices."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from .backend import choose_backend, inner_products
from .features import Features, as_feature_pair, at_least_float32

DISTANCES = ('cosine', 'euclidean')
CHUNK_SIZE = 256


def squared_euclidean_distance(x: Tensor, y: Tensor) -> Tensor:
    """Squared Euclidean distances |x|^2 + |y|^2 - 2xy, clamped at 0.

    Args:
        x: features, shape (N, C).
        y: features, shape (M, C).

    Returns:
        Distances, shape (N, M), in float32 at least, whatever autocast says. Rounding is relative
        to the squared norms: features far from the origin lose digits.

    Raises:
        TypeError: if the features are not of a floating-point type.
        ValueError: if the shapes are not (N, C) and (M, C).
    """
    x, y = _check(x, y)
    return _squared(_inner(x, y), x, _norm(y).square())


def euclidean_distance(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distances; the gradient at distance 0 is exactly 0.

    Args:
        x: features, shape (N, C).
        y: features, shape (M, C).

    Returns:
        Distances, shape (N, M), in float32 at least, whatever autocast says.

    Raises:
        TypeError: if the features are not of a floating-point type.
        ValueError: if the shapes are not (N, C) and (M, C).
    """
    squared = squared_euclidean_distance(x, y)
    if not squared.requires_grad:
        return squared.sqrt_()
    zero = squared == 0
    return squared.masked_fill(zero, 1).sqrt().masked_fill(zero, 0)


def cosine_distance(x: Tensor, y: Tensor) -> Tensor:
    """Cosine distances 1 - xy / (|x| |y|), from 0 to 2 up to rounding; 1 to a zero vector.

    Args:
        x: features, shape (N, C), of any norm whose square is within the type's range.
        y: features, shape (M, C), likewise.

    Returns:
        Distances, shape (N, M), in float32 at least, whatever autocast says.

    Raises:
        TypeError: if the features are not of a floating-point type.
        ValueError: if the shapes are not (N, C) and (M, C).
    """
    x, y = _check(x, y)
    return _cosine(_inner(x * _inverse_norm(x)[:, None], y), _inverse_norm(y))


def distance_blocks(
    query: Features,
    gallery: Features,
    distance: str = 'cosine',
    *,
    chunk_size: int = CHUNK_SIZE,
    backend: str = 'auto',
) -> Iterator[np.ndarray]:
    """Distances of all queries to the whole gallery, some queries at a time.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (G, C), on the query's device, which computes the distances.
        distance: 'cosine' or 'euclidean'.
        chunk_size: number of queries in a block.
        backend: whose matrix product, see `choose_backend`.

    Returns:
        Iterator over blocks of shape (up to chunk_size, G), in the order of the queries.

    Raises:
        TypeError: if the features are not of a floating-point type.
        ValueError: if they are empty, not finite or do not fit each other, the distance is
            or back end unknown or the chunk size not positive.
    """
    if distance not in DISTANCES:
        raise ValueError(f'distance is one of {DISTANCES}, got {distance!r}')
    check_chunk_size(chunk_size)
    query, gallery = as_feature_pair(query, gallery)
    backend = choose_backend(backend, query.device)
    return _distance_blocks(query, gallery, distance, chunk_size, backend)


def check_chunk_size(chunk_size: int) -> None:
    """Raise a ValueError if the number of rows in a block is not a positive integer."""
    if not isinstance(chunk_size, (int, np.integer)) or chunk_size < 1:
        raise ValueError(f'chunk_size is a positive integer, got {chunk_size!r}')


def squared_distance_to(
    x: Tensor, y: Tensor, y_squared_norm: Tensor, backend: str, out: Tensor | None = None
) -> Tensor:
    """`squared_euclidean_distance` of checked features, with the squared norms (M,) of y given.

    `out`, shape (N, M), is where to write them.
    """
    return _squared(inner_products(x, y, backend, out), x, y_squared_norm)


def _distance_blocks(
    query: Tensor, gallery: Tensor, distance: str, chunk_size: int, backend: str
) -> Iterator[np.ndarray]:
    statistic = _inverse_norm(gallery) if distance == 'cosine' else _norm(gallery).square()
    for rows in torch.split(query, int(chunk_size)):
        if distance == 'cosine':
            rows = rows * _inverse_norm(rows)[:, None]
            block = _cosine(inner_products(rows, gallery, backend), statistic)
        else:
            block = squared_distance_to(rows, gallery, statistic, backend).sqrt_()
        yield block.cpu().numpy()


def _squared(product: Tensor, x: Tensor, y_squared_norm: Tensor) -> Tensor:
    product = product.mul_(-2).add_(y_squared_norm)
    return product.add_(_norm(x).square()[:, None]).clamp_(min=0)


def _cosine(product: Tensor, y_inverse_norm: Tensor) -> Tensor:
    return product.mul_(y_inverse_norm).neg_().add_(1)


def _inner(x: Tensor, y: Tensor) -> Tensor:
    """x @ y.T in the features' own precision, whatever autocast says.

    Without a gradient also whatever the precision of products is set to; a training may choose
    TensorFloat-32.
    """
    if not (torch.is_grad_enabled() and (x.requires_grad or y.requires_grad)):
        return inner_products(x, y, 'torch')
    with torch.autocast(x.device.type, enabled=False):
        product: Tensor = x @ y.T
    return product


def _norm(x: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x, dim=1)
    return norm


def _inverse_norm(x: Tensor) -> Tensor:
    return _norm(x).clamp(min=torch.finfo(x.dtype).tiny).reciprocal()


def _check(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(
            f'expected features of shape (N, C) and (M, C), got {tuple(x.shape)} '
            f'and {tuple(y.shape)}'
        )
    x, y = at_least_float32(x, y)
    return x, y
