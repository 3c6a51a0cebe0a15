"""Centre loss (Wen et al., ECCV 2016) and the update of its centres."""

import torch
from torch import Tensor

from .losses import check_batch, check_class_labels, full_precision

REDUCTIONS = ('mean', 'sum')
UPDATES = ('sgd', 'wen')


@full_precision
def center_loss(
    features: Tensor, labels: Tensor, centers: Tensor, *, reduction: str = 'mean'
) -> Tensor:
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
        raise ValueError(f'reduction must be one of {REDUCTIONS}, got {reduction!r}')
    _check(features, labels, centers)
    squared = (features - centers[labels.long()]).square().sum(1)
    return squared.mean() if reduction == 'mean' else squared.sum() / 2


@torch.no_grad()
@full_precision
def center_step(
    features: Tensor, labels: Tensor, centers: Tensor, *, lr: float, update: str = 'sgd'
) -> Tensor:
    """Update the centres of the batch's classes; samples that are not finite do not count.

    Args:
        features: shape (B, C).
        labels: integer identities in 0..num_classes-1, shape (B,).
        centers: shape (num_classes, C); not changed.
        lr: step length; 1 / 2 is BoT's.
        update: 'sgd': gradient step on the mean form of `center_loss`, c_j += 2 lr / B * sum of
            (x_i - c_j). 'wen': Wen et al., eq. 4, c_j += lr / (1 + n_j) * sum of (x_i - c_j),
            where n_j is the number of samples of class j in the batch.

    Returns:
        The new centre of each sample's class, shape (B, C), for `centers[labels] = `: samples of
        one class have the same bits, and ranks that see the same batch have them too.

    Raises:
        ValueError: if the shapes disagree, a label is out of range or the update is unknown.
    """
    if update not in UPDATES:
        raise ValueError(f'update must be one of {UPDATES}, got {update!r}')
    _check(features, labels, centers)
    old, finite = centers[labels.long()], features.isfinite().all(1)
    sums, counts = _sums_of_classes(features.to(centers.dtype) - old, labels, finite)
    share = finite.sum().clamp(min=1) / 2 if update == 'sgd' else 1 + counts
    return old + lr * sums / share


@torch.no_grad()
@full_precision
def class_means(features: Tensor, labels: Tensor) -> Tensor:
    """Compute the mean feature of each sample's class; samples that are not finite do not count.

    Args:
        features: shape (B, C).
        labels: integer identities, shape (B,).

    Returns:
        Means, shape (B, C); NaN where no sample of the class is finite. Samples of one class have
        the same bits.

    Raises:
        ValueError: if the shapes disagree.
    """
    check_batch(features, labels)
    sums, counts = _sums_of_classes(features, labels, features.isfinite().all(1))
    return sums / counts


def _sums_of_classes(values: Tensor, labels: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """For each sample, the sum (B, C) and number (B, 1) of the counted samples of its class.

    A matrix product is reproducible on a GPU where a scatter-add is not, and its shape is known
    where that of `unique` has to be waited for. Its rows are taken from the first sample of each
    class, since equal rows of a product are not always equal to the last bit.
    """
    same = labels[:, None] == labels
    first = same.to(torch.uint8).argmax(1)
    member = (same & counted).to(values.dtype)
    sums = member @ torch.where(counted[:, None], values, 0)
    return sums[first], member.sum(1, keepdim=True)


def _check(features: Tensor, labels: Tensor, centers: Tensor) -> None:
    check_batch(features, labels)
    if centers.ndim != 2 or centers.shape[1] != features.shape[1]:
        raise ValueError(
            f'features of shape {tuple(features.shape)} do not fit centers of shape '
            f'{tuple(centers.shape)}'
        )
    check_class_labels(labels, len(centers))
