"""Pool several images of a person into one feature: tracklets, multi-image queries."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .features import Features, as_features
from .ranking.labels import Labels, as_labels
from .ranking.options import check_integer

POOLINGS = ('mean', 'quality', 'best')
SAME_LENGTH = 1e-3  # relative difference up to which norms are equal, and say nothing


class Pooled(NamedTuple):
    """Features of groups of images, in the order of each group's first image.

    Attributes:
        features: shape (M, C), in the type of the images' features, float32 at least.
        first: the first image of each group, shape (M,), ascending.
        groups: the group of each image, shape (N,), from 0.
    """

    features: Tensor
    first: np.ndarray
    groups: np.ndarray


def pool_features(
    features: Features,
    *labels: Labels,
    how: str = 'mean',
    k: int = 1,
    quality: Sequence[float] | np.ndarray | None = None,
) -> Pooled:
    """Pool the images that agree in all labels into one feature.

    The direction is that of the weighted mean of the unit features, the norm the weighted mean of
    the norms. So features keep their scale, and a group of one image keeps its feature to the bit.

    Args:
        features: shape (N, C), of any norm.
        labels: one or more, N integers or strings each: the track; or identity and camera.
        how: 'mean' weighs all images alike; 'quality' by their quality, or alike where all of a
            group have none; 'best' takes the k images of the highest quality of each group alike,
            of equal ones the first.
        k: of 'best'.
        quality: of each image, N numbers from 0; None: the norm of its feature, which is larger for
            clear images in many networks.

    Raises:
        TypeError: if features are not of a floating-point type or labels neither int nor str.
        ValueError: if an option is out of range, lengths differ, or the quality is to be the norm
            and all features have the same.
    """
    check_pooling(how, k)
    tensor = as_features(features)
    groups, first = group_images(len(tensor), *labels)
    norms = torch.linalg.vector_norm(tensor, dim=1)
    weights = torch.ones_like(norms)
    if how != 'mean':
        weights = _quality(quality, norms)
    elif quality is not None:
        raise ValueError("quality is given, but how='mean' does not read it: use 'quality'")
    if how == 'best':
        weights = _best(weights, groups, k).to(norms)
    place = torch.from_numpy(groups).to(tensor.device)
    totals = _sums(weights[:, None], place, len(first))[place, 0]
    weights = torch.where(totals > 0, weights, 1)
    shares = weights / _sums(weights[:, None], place, len(first))[place, 0]
    units = tensor / norms.clamp(min=torch.finfo(norms.dtype).tiny)[:, None]
    means = _sums(units * shares[:, None], place, len(first))
    lengths = _sums((norms * shares)[:, None], place, len(first))
    scale = torch.linalg.vector_norm(means, dim=1, keepdim=True)
    pooled = means / scale.clamp(min=torch.finfo(norms.dtype).tiny) * lengths
    alone = np.bincount(groups) == 1
    pooled[torch.from_numpy(alone)] = tensor[torch.from_numpy(first[alone])]
    return Pooled(pooled, first, groups)


def check_pooling(how: str, k: int = 1) -> None:
    """Raise a ValueError if an option of `pool_features` is out of range."""
    if how not in POOLINGS:
        raise ValueError(f'how must be one of {POOLINGS}, got {how!r}')
    check_integer('k', k, 1)
    if k != 1 and how != 'best':
        raise ValueError(f"k={k} is of how='best', got how={how!r}")


def group_images(number: int, *labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Group images that agree in all labels.

    Args:
        number: of images, N.
        labels: N each.

    Returns:
        The group of each image, shape (N,), numbered by their first images; and these, ascending.

    Raises:
        TypeError, ValueError: as `as_labels`; if lengths differ, or there is no label.
    """
    if not labels:
        raise ValueError('nothing to group by: give the labels that images of a group share')
    codes = np.zeros(number, dtype=np.int64)
    for column in labels:
        own = np.unique(as_labels(column, 'labels'), return_inverse=True)[1]
        if len(own) != number:
            raise ValueError(f'{number} images, but {len(own)} labels')
        codes = np.unique(codes * (own.max(initial=0) + 1) + own, return_inverse=True)[1]
    _, first = np.unique(codes, return_index=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[codes], first[order]


def _quality(quality: Sequence[float] | np.ndarray | None, norms: Tensor) -> Tensor:
    """Weights (N,) from 0."""
    if quality is None:
        if len(norms) > 1 and float(norms.max() - norms.min()) <= SAME_LENGTH * float(norms.max()):
            raise ValueError(
                'the quality is to be the norm of the features, and all have the same, so it says '
                "nothing: give quality, features that are not normalised, or how='mean'"
            )
        return norms
    given = torch.as_tensor(np.asarray(quality, dtype=np.float64))
    if given.shape != norms.shape or not (given.isfinite() & (given >= 0)).all():
        raise ValueError(
            f'quality must be {len(norms)} finite numbers >= 0, one for each image, got shape '
            f'{tuple(given.shape)}'
        )
    return given.to(norms)


def _best(quality: Tensor, groups: np.ndarray, k: int) -> Tensor:
    """Whether each image is among the k best of its group, bool."""
    values = quality.cpu().numpy()
    order = np.lexsort((np.arange(len(values)), -values, groups))
    sizes = np.bincount(groups)
    places = np.arange(len(values)) - np.repeat(sizes.cumsum() - sizes, sizes)
    chosen = np.zeros(len(values), dtype=bool)
    chosen[order[places < k]] = True
    return torch.from_numpy(chosen)


def _sums(rows: Tensor, place: Tensor, number: int) -> Tensor:
    """Sums (M, C) of the rows (N, C) of each group."""
    return rows.new_zeros(number, rows.shape[1]).index_add_(0, place, rows)
