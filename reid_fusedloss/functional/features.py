"""Checks of feature matrices, shared by the ranking and the re-ranking."""

import numpy as np
import torch
from torch import Tensor

Features = np.ndarray | Tensor


def at_least_float32(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Cast floating-point tensors to their common type, float32 at least.

    Raises:
        TypeError: if one is not of a floating-point type.
    """
    dtype = torch.float32
    for tensor in tensors:
        if not tensor.is_floating_point():
            raise TypeError(
                f'expected floating-point features, got {tensor.dtype}: cast them with .float()'
            )
        dtype = torch.promote_types(dtype, tensor.dtype)
    return tuple(tensor.to(dtype) for tensor in tensors)


def as_feature_pair(query: Features, gallery: Features) -> tuple[Tensor, Tensor]:
    """Check query and gallery features and bring them to one type, without gradient.

    Args:
        query: features, shape (Q, C).
        gallery: features, shape (G, C).

    Returns:
        Both as tensors of one type (float32 or float64), not copied where they fit.

    Raises:
        TypeError: if one is no array or tensor of a floating-point type.
        ValueError: if one is empty, not 2-D, not finite, or so large or small that squares leave
            the range of its type, or the widths, or the devices, differ.
    """
    query, gallery = _as_tensor(query, 'query'), _as_tensor(gallery, 'gallery')
    if query.shape[1] != gallery.shape[1] or query.device != gallery.device:
        raise ValueError(
            'query and gallery features differ in width or device: '
            f'{tuple(query.shape)} on {query.device}, {tuple(gallery.shape)} on {gallery.device}'
        )
    query, gallery = at_least_float32(query, gallery)
    _check_finite(query, 'query')
    _check_finite(gallery, 'gallery')
    return query, gallery


def as_features(features: Features, name: str = 'features') -> Tensor:
    """Check features (N, C) and bring them to float32 at least, without gradient.

    Args:
        features: of any norm; not copied where it fits.
        name: whose features they are, for the errors.

    Raises:
        TypeError: if they are no array or tensor of a floating-point type.
        ValueError: if they are empty, not 2-D, not finite, or so large or small that squares
            leave the range of their type.
    """
    (features,) = at_least_float32(_as_tensor(features, name))
    _check_finite(features, name)
    return features


def normalised(features: Tensor) -> Tensor:
    """Divide features (N, C) by their L2 norm, in place; float32. Zero vectors stay zero."""
    norm = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features.div_(norm.clamp(min=torch.finfo(features.dtype).tiny)).float()


def _as_tensor(features: Features, name: str) -> Tensor:
    if isinstance(features, np.ndarray):
        if not np.issubdtype(features.dtype, np.floating):
            raise TypeError(
                f'{name} features are of type {features.dtype}, expected floating '
                'point: cast them with .astype(np.float32)'
            )
        features = np.ascontiguousarray(features)
        features = torch.from_numpy(features if features.flags.writeable else features.copy())
    if not isinstance(features, Tensor):
        raise TypeError(
            f'{name} features are a {type(features).__name__}, expected a numpy '
            'array or a torch tensor'
        )
    if not features.is_floating_point():
        raise TypeError(
            f'{name} features are of type {features.dtype}, expected floating '
            'point: cast them with .float()'
        )
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(
            f'{name} features have shape {tuple(features.shape)}, '
            'expected (N, C) with N >= 1 and C >= 1'
        )
    return features.detach()


def _check_finite(features: Tensor, name: str) -> None:
    norm = torch.linalg.vector_norm(features, dim=1)
    limits = torch.finfo(features.dtype)
    small = norm < 10 * limits.tiny**0.5
    if small.any() and features[small].any():
        raise ValueError(
            f'{name} features are too small for {features.dtype} (a norm of '
            f'{norm[small].max():g}): its square underflows; scale them or use float64'
        )
    if (norm < limits.max**0.5 / 2).all():
        return
    bad = (~features.isfinite()).nonzero()
    if len(bad):
        raise ValueError(
            f'{name} features: {len(bad)} of {features.numel()} values are NaN or '
            f'infinite, the first at index {tuple(bad[0].tolist())}'
        )
    raise ValueError(
        f'{name} features are too large for {features.dtype} (largest value '
        f'{features.abs().max():g}): the norm overflows; scale them or use float64'
    )
