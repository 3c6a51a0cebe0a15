"""Circle loss (Sun et al., CVPR 2020) in its three forms: per anchor, whole batch, class level."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .losses import check_batch, check_class_labels, full_precision, mean_over, pair_masks


@full_precision
def circle_loss(similarity: Tensor, labels: Tensor, margin: float, gamma: float) -> Tensor:
    """Circle loss over pairs, per anchor (Sun et al., CVPR 2020, eq. 6).

    The form of FastReID and pytorch-metric-learning. Large values are the loss, not a fault: where
    all cosines are 0 an anchor with p positives and n negatives has
    gamma (1 - 2 m^2) + log(p n), 117 for m = 0.25, gamma = 128, p = 3, n = 60.

    Args:
        similarity: cosine similarity of all pairs, shape (B, B).
        labels: integer identities, shape (B,).
        margin: relaxation m, in cosine units; the optima are 1 + m and -m.
        gamma: scale.

    Returns:
        Scalar, the mean over anchors that have a positive and a negative; 0 if none has.

    Raises:
        ValueError: if the shapes disagree.
        TypeError: if the similarity is not floating point or the labels are not integers.
    """
    _check_square(similarity, labels)
    positive, negative, usable = pair_masks(labels)
    unusable = ~usable[:, None]
    pull, push = _weighted_pairs(similarity, margin, gamma)
    pull = pull.masked_fill(~(positive | unusable), -torch.inf).logsumexp(1)
    push = push.masked_fill(~(negative | unusable), -torch.inf).logsumexp(1)
    return mean_over(F.softplus(pull + push), usable)


@full_precision
def batch_circle_loss(similarity: Tensor, labels: Tensor, margin: float, gamma: float) -> Tensor:
    """Circle loss over all pairs of the batch at once, each pair counted once.

    The form of the reference code by TinyZeaMays. Arguments, units and errors as in `circle_loss`.

    Returns:
        Scalar; 0 if the batch has no positive or no negative pair.
    """
    _check_square(similarity, labels)
    positive, negative, _ = pair_masks(labels)
    unusable = ~(positive.any() & negative.any())
    pull, push = _weighted_pairs(similarity, margin, gamma)
    pull = pull.masked_fill(~(positive.triu(1) | unusable), -torch.inf).logsumexp((0, 1))
    push = push.masked_fill(~(negative.triu(1) | unusable), -torch.inf).logsumexp((0, 1))
    return mean_over(F.softplus(pull + push), ~unusable)


@full_precision
def class_circle_logits(cosines: Tensor, labels: Tensor, margin: float, gamma: float) -> Tensor:
    """Logits whose cross-entropy is the class-level circle loss (Sun et al., CVPR 2020, eq. 6).

    With classifier weights as the only positive and the negatives of a sample, the circle loss is
    a softmax cross-entropy over these logits (FastReID's CircleSoftmax), label smoothing included.

    Args:
        cosines: cosine of each sample and each class weight, shape (B, num_classes).
        labels: integer identities in 0..num_classes-1, shape (B,).
        margin: relaxation m, in cosine units; the optima are 1 + m and -m.
        gamma: scale.

    Returns:
        Logits, shape (B, num_classes), float32 or float64.

    Raises:
        ValueError: if the shapes disagree or a label is out of range.
        TypeError: if the cosines are not floating point or the labels are not integers.
    """
    check_batch(cosines, labels)
    check_class_labels(labels, cosines.shape[1])
    own = (torch.arange(len(labels), device=labels.device), labels.long())
    fixed = cosines.detach()
    weight = (fixed + margin).clamp_(min=0)
    weight[own] = (1 + margin - fixed[own]).clamp(min=0)
    beyond = cosines - margin
    with torch.no_grad():  # a shift by a constant, which the gradient does not see
        beyond[own] -= 1 - 2 * margin
    return weight.mul_(gamma) * beyond


@full_precision
def pairwise_cosines(features: Tensor) -> Tensor:
    """Cosine similarity of all pairs of a batch: (B, C) of any norm to (B, B)."""
    gram: Tensor = _Gram.apply(F.normalize(features))
    return gram


class _Gram(torch.autograd.Function):
    """X X^T with one product in its backward pass, where autograd takes two: (G + G^T) X."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return rows @ rows.T

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        pull: Tensor = (gradient + gradient.T) @ rows
        return pull


def _check_square(similarity: Tensor, labels: Tensor) -> None:
    check_batch(similarity, labels)
    if similarity.shape[0] != similarity.shape[1]:
        raise ValueError(
            'similarity must hold all pairs of the batch, shape (B, B), got '
            f'{tuple(similarity.shape)}'
        )


def _weighted_pairs(similarity: Tensor, margin: float, gamma: float) -> tuple[Tensor, Tensor]:
    """Exponents of every pair taken as a positive and as a negative; the weights are constants."""
    fixed = similarity.detach()
    pull = -gamma * (1 + margin - fixed).clamp(min=0) * (similarity - (1 - margin))
    push = gamma * (fixed + margin).clamp(min=0) * (similarity - margin)
    return pull, push
