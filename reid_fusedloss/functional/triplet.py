"""Triplet losses with mining inside the batch."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .losses import check_batch, full_precision, mean_over, pair_masks


class TripletDistances(NamedTuple):
    """Distance of each anchor to its positive and its negative; all of shape (B,)."""

    positive: Tensor
    negative: Tensor
    usable: Tensor
    """bool: the anchor has a positive and a negative; the distances of others are void."""


@full_precision
def batch_hard_triplet_loss(
    features: Tensor,
    labels: Tensor,
    *,
    margin: float | None = 0.3,
    normalize: bool = False,
    squared: bool = False,
) -> Tensor:
    """Triplet loss with the hardest pairs of the batch (Hermans et al., arXiv:1703.07737, eq. 5).

    Args:
        features: shape (B, C), any norm.
        labels: integer identities, shape (B,).
        margin: in units of the distance; None: soft margin, softplus(d_ap - d_an).
        normalize: L2-normalise the features first.
        squared: squared Euclidean distances in place of Euclidean ones.

    Returns:
        Scalar, the mean over anchors that have a positive and a negative; 0 if none has. The
        gradient is finite at distance 0.

    Raises:
        ValueError: if the shapes disagree.
        TypeError: if the features are not floating point or the labels are not integers.
    """
    return triplet_ranking_loss(
        hardest_distances(features, labels, normalize=normalize, squared=squared), margin
    )


@full_precision
def weighted_triplet_loss(
    features: Tensor,
    labels: Tensor,
    *,
    margin: float | None = None,
    normalize: bool = False,
    squared: bool = False,
) -> Tensor:
    """Weighted regularised triplet loss: all pairs, softmax-weighted (Ye et al., AGW, TPAMI 2021).

    Arguments, result and errors as in `batch_hard_triplet_loss`; AGW is margin=None.
    """
    return triplet_ranking_loss(
        weighted_distances(features, labels, normalize=normalize, squared=squared), margin
    )


def triplet_ranking_loss(distances: TripletDistances, margin: float | None) -> Tensor:
    """Mean over usable anchors of relu(d_ap - d_an + margin), or of softplus for margin None."""
    gap = distances.positive - distances.negative
    return mean_over(F.softplus(gap) if margin is None else F.relu(gap + margin), distances.usable)


@full_precision
def hardest_distances(
    features: Tensor, labels: Tensor, *, normalize: bool, squared: bool
) -> TripletDistances:
    """Find the distances to the farthest positive and the nearest negative of each anchor.

    Mined without gradient; only the 2B chosen pairs are differentiated, so the (B, B) matrix has
    no backward pass, and chosen distances are free of the cancellation of the mined ones.
    Arguments and errors as in `batch_hard_triplet_loss`.
    """
    check_batch(features, labels)
    if normalize:
        features = F.normalize(features)
    positive, negative, usable = pair_masks(labels)
    with torch.no_grad():
        centred = features - features.mean(0)
        # |a - b|^2 less |a|^2, which is the same for all partners b of an anchor a
        order = torch.addmm(centred.square().sum(1), centred, centred.T, alpha=-2)
        farthest = torch.where(positive, order, -torch.inf).argmax(1)
        nearest = torch.where(negative, order, torch.inf).argmin(1)
    far, near = (_ChosenDistance.apply(features, partners) for partners in (farthest, nearest))
    if squared:
        far, near = far.square(), near.square()
    return TripletDistances(far, near, usable)


@full_precision
def weighted_distances(
    features: Tensor, labels: Tensor, *, normalize: bool, squared: bool
) -> TripletDistances:
    """Average each anchor's distances, softmax-weighted (AGW: Ye et al., TPAMI 2021, eq. 8).

    Far positives and near negatives weigh most. As in the authors' code the anchor is one of its
    own positives, at distance 0, and the weights are differentiated.
    Arguments and errors as in `batch_hard_triplet_loss`.
    """
    check_batch(features, labels)
    if normalize:
        features = F.normalize(features)
    _, negative, usable = pair_masks(labels)
    distances = torch.cdist(features, features, compute_mode='donot_use_mm_for_euclid_dist')
    if squared:
        distances = distances.square()
    far = distances.masked_fill(negative, -torch.inf).softmax(1)
    near = (-distances).masked_fill(~(negative | ~usable[:, None]), -torch.inf).softmax(1)
    return TripletDistances((far * distances).sum(1), (near * distances).sum(1), usable)


class _ChosenDistance(torch.autograd.Function):
    """Euclidean distance (B,) of each row of (B, C) to the row that (B,) names; gradient 0 at 0.

    The gradient is the difference over the distance, for a row and negated for its partner:
    autograd would pass over the (B, C) tensors three times as often.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, partners: Tensor) -> Tensor:
        difference = features - features.index_select(0, partners)
        distance: Tensor = torch.linalg.vector_norm(difference, dim=1)
        ctx.save_for_backward(difference, distance, partners)
        return distance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        difference, distance, partners = ctx.saved_tensors
        pull = difference * torch.where(distance > 0, gradient / distance, 0)[:, None]
        return pull.index_add(0, partners, pull, alpha=-1), None
