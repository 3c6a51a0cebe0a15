"""Cosines of features and the rows of a classifier, as a layer to learn through."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .losses import full_precision

SMALLEST_NORM = 1e-12


@full_precision
def class_cosines(features: Tensor, rows: Tensor) -> Tensor:
    """Cosine similarities of features and classes without normalised copies of either.

    The norms divide the products. The gradient too needs only the products: that of a row w
    of norm n, with gradients g of its cosines c to the features x of norms m, is
    sum g x / (n m) - w sum (g c) / n^2. With 100,000 classes this is a third of the memory that
    autograd takes.

    Args:
        features: shape (B, C), any norm.
        rows: one for each class, shape (num_classes, C), any norm; a zero row has cosines 0.

    Returns:
        Shape (B, num_classes), float32 (float64 for float64 inputs).

    Raises:
        ValueError: if the shapes disagree.
    """
    if features.ndim != 2 or rows.ndim != 2 or features.shape[1] != rows.shape[1]:
        raise ValueError(
            'expected features (B, C) and rows (num_classes, C), got '
            f'{tuple(features.shape)} and {tuple(rows.shape)}'
        )
    cosines: Tensor = _Cosines.apply(features, rows)
    return cosines


class _Cosines(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, rows: Tensor) -> Tensor:
        feature_norms = features.norm(dim=1, keepdim=True).clamp_min_(SMALLEST_NORM)
        row_norms = rows.norm(dim=1).clamp_min_(SMALLEST_NORM)
        cosines = torch.mm(features, rows.T).div_(feature_norms).div_(row_norms)
        ctx.save_for_backward(features, rows, feature_norms, row_norms, cosines)
        return cosines

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        features, rows, feature_norms, row_norms, cosines = ctx.saved_tensors
        along = gradient * cosines
        of_features, of_rows = along.sum(1, keepdim=True), along.sum(0)[:, None]
        across = torch.div(gradient, feature_norms, out=along).div_(row_norms)
        to_features = to_rows = None
        if ctx.needs_input_grad[0]:
            to_features = torch.mm(across, rows)
            to_features.addcmul_(features, of_features / feature_norms.square(), value=-1)
        if ctx.needs_input_grad[1]:
            to_rows = torch.mm(across.T, features)
            to_rows.addcmul_(rows, of_rows / row_norms.square()[:, None], value=-1)
        return to_features, to_rows
