"""What all losses share: full precision, checked labels, pair masks, mean over usable anchors."""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec('P')
R = TypeVar('R')


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in float32 (float64 stays) whatever the inputs' dtype and autocast say.

    The backward pass is not covered: run it outside of autocast, as PyTorch asks and MMEngine
    does, or autograd casts the matrix products of the gradient.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
        with _without_autocast(tensors[0].device.type) if tensors else nullcontext():
            return function(*map(_upcast, args), **{k: _upcast(v) for k, v in kwargs.items()})

    return wrapper


def _upcast(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.to(torch.promote_types(value.dtype, torch.float32))
    return value


def _without_autocast(device_type: str) -> AbstractContextManager[Any]:
    """Return a context without autocast; device types without it need none."""
    try:
        return torch.autocast(device_type, enabled=False)
    except RuntimeError:
        return nullcontext()


def check_batch(values: Tensor, labels: Tensor) -> None:
    """Check that `values` is (B, *), floating point, and `labels` is (B,), integer.

    Raises:
        ValueError: if the shapes disagree.
        TypeError: if a dtype is of the wrong kind.
    """
    if values.ndim != 2 or labels.shape != values.shape[:1]:
        raise ValueError(
            f'expected a (B, C) tensor and labels of shape (B,), got '
            f'{tuple(values.shape)} and {tuple(labels.shape)}'
        )
    if not values.is_floating_point():
        raise TypeError(f'expected a floating point tensor, got {values.dtype}')
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f'labels must be integers, got {labels.dtype}')


def check_class_labels(labels: Tensor, num_classes: int) -> None:
    """Check that every label lies in 0..num_classes-1; a negative one would index from the end.

    On a CUDA device the check is queued with the other work, so that the host does not wait for
    it: there a label out of range is a RuntimeError that names the range, raised at some later
    call, as PyTorch's own checks of indices are.

    Raises:
        ValueError: with the label out of range.
    """
    if not labels.numel():
        return
    words = f'outside 0..{num_classes - 1}: the tensor has {num_classes} classes'
    if _checks_without_waiting(labels.device):
        torch._assert_async(((labels >= 0) & (labels < num_classes)).all(), f'a label is {words}')
        return
    low, high = torch.stack(labels.aminmax()).tolist()
    if low < 0 or high >= num_classes:
        raise ValueError(f'label {low if low < 0 else high} is {words}')


def _checks_without_waiting(device: torch.device) -> bool:
    return device.type == 'cuda' and hasattr(torch, '_assert_async')


def pair_masks(labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Find the positive and negative pairs of a batch, and the anchors that have both.

    Args:
        labels: integer identities, shape (B,).

    Returns:
        positive (B, B) without the diagonal, negative (B, B), usable (B,); all bool.
    """
    same = labels[:, None] == labels[None, :]
    positive = same.clone().fill_diagonal_(False)
    return positive, ~same, positive.any(1) & ~same.all(1)


def mean_over(values: Tensor, usable: Tensor) -> Tensor:
    """Average the usable entries of `values` (B,); 0 with zero gradient if none is usable."""
    return torch.where(usable, values, 0).sum() / usable.sum().clamp(min=1)
