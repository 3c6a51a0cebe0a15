"""Centre loss (Wen et al., ECCV 2016) and the update of its centres."""
import torch
from torch import Tensor

from .losses import check_batch, check_class_labels, full_precision

REDUCTIONS = ('mean', 'sum')
UPDATES = ('sgd', 'wen')


@full_precision
def center_loss(features: Tensor, labels: Tensor, centers: Tensor, *,
                reduction: str = 'mean') -> Tensor:
    """Squared Euclidean distance of each feature to the centre of its class.

    Only the B centres of the batch are touched: no (B, num_classes) matrix is made.

    Args:
        features: shape (B, C).
        labels: integer identities in 0..num_classes-1, shape (B,).
        centers: shape (num_classes, C).
        reduction: 'mean': mean over the batch without 1/2 (KaiyangZhou, BoT). 'sum': half the sum
            over the batch (Wen et al., eq. 2). 'sum' is 'mean' times B / 2.

    Returns:
        Scalar.

    Raises:
        ValueError: if the shapes disagree, a label is out of range or the reduction is unknown.
        TypeError: if the features are not floating point or the labels are not integers.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f'reduction={reduction!r} is none of {REDUCTIONS}')
    _check(features, labels, centers)
    squared = (features - centers[labels.long()]).square().sum(1)
    return squared.mean() if reduction == 'mean' else squared.sum() / 2


@torch.no_grad()
@full_precision
def center_step(features: Tensor, labels: Tensor, centers: Tensor, *, lr: float,
                update: str = 'sgd') -> tuple[Tensor, Tensor]:
    """One update of the centres of the batch's classes.

    Args:
        features: shape (B, C).
        labels: integer identities in 0..num_classes-1, shape (B,).
        centers: shape (num_classes, C); not changed.
        lr: step length; 1 / 2 is BoT's.
        update: 'sgd': gradient step on the mean form of `center_loss`, c_j += 2 lr / B * sum of
            (x_i - c_j). 'wen': Wen et al., eq. 4, c_j += lr / (1 + n_j) * sum of (x_i - c_j),
            where n_j is the number of samples of class j in the batch.

    Returns:
        The batch's classes (U,), ascending, and their new centres (U, C). The sums are a matrix
        product, which is reproducible on a GPU where a scatter-add is not: ranks that see the
        same batch get the same bits.

    Raises:
        ValueError: if the shapes disagree, a label is out of range or the update is unknown.
    """
    if update not in UPDATES:
        raise ValueError(f'update={update!r} is none of {UPDATES}')
    _check(features, labels, centers)
    classes, member = _membership(labels, centers.dtype)
    sums = member @ (features.to(centers.dtype) - centers[labels.long()])
    scale = 2 / max(len(labels), 1) if update == 'sgd' else 1 / (1 + member.sum(1, keepdim=True))
    return classes, centers[classes] + lr * scale * sums


@torch.no_grad()
@full_precision
def class_means(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean feature of each class of a batch.

    Args:
        features: shape (B, C).
        labels: integer identities, shape (B,).

    Returns:
        The batch's classes (U,), ascending, and their means (U, C).

    Raises:
        ValueError: if the shapes disagree.
    """
    check_batch(features, labels)
    classes, member = _membership(labels, features.dtype)
    return classes, member @ features / member.sum(1, keepdim=True)


def _membership(labels: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Classes (U,) and a (U, B) matrix of zeros and ones: which sample is of which class."""
    classes = labels.long().unique()
    return classes, (classes[:, None] == labels).to(dtype)


def _check(features: Tensor, labels: Tensor, centers: Tensor) -> None:
    check_batch(features, labels)
    if centers.ndim != 2 or centers.shape[1] != features.shape[1]:
        raise ValueError(f'features of shape {tuple(features.shape)} do not fit centers of shape '
                         f'{tuple(centers.shape)}')
    check_class_labels(labels, len(centers))
