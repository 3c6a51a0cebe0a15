"""Distillation losses: a student's tensors of a batch compared with those of a teacher."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .losses import full_precision

FORMS = ('cosine', 'l2')
SMALLEST = 1e-12  # sum of distances


@full_precision
def feature_distillation_loss(student: Tensor, teacher: Tensor, *, form: str = 'cosine') -> Tensor:
    """Distance of each image's features, averaged over the batch.

    Args:
        student: shape (B, C).
        teacher: shape (B, C), a constant.
        form: 'cosine': 1 - cosine, which the norms do not affect. 'l2': squared difference,
            averaged over the C values (FitNets: Romero et al., ICLR 2015, eq. 3, times 2 / C).

    Returns:
        Scalar; 0 for an empty batch.

    Raises:
        ValueError: if the shapes differ, or the form is unknown.
    """
    if form not in FORMS:
        raise ValueError(f'form must be one of {FORMS}, got {form!r}')
    _check_pair(student, teacher)
    if student.shape != teacher.shape:
        raise ValueError(
            f'features of student and teacher must have one shape, got {tuple(student.shape)} and '
            f'{tuple(teacher.shape)}'
        )
    if form == 'l2':
        return (student - teacher).square().sum() / max(student.numel(), 1)
    return (1 - F.cosine_similarity(student, teacher)).sum() / max(len(student), 1)


@full_precision
def relation_distillation_loss(
    student: Tensor,
    teacher: Tensor,
    *,
    distance_weight: float = 1.0,
    angle_weight: float = 2.0,
    normalize: bool = False,
) -> Tensor:
    """Relational knowledge distillation (RKD): Park et al., CVPR 2019, eq. 4 to 9.

    The Huber loss compares the distances of all pairs, divided by their mean, and the cosines of
    the angles of all triples. Both are averaged over pairs and triples of different images; the
    authors' code averages over all B^2 and B^3 entries, of which the others are 0. The features of
    student and teacher may differ in size. Needs memory for B^3 numbers a few times.

    Args:
        student: shape (B, C).
        teacher: shape (B, D), a constant.
        distance_weight: factor of the distances; 1 in the paper.
        angle_weight: factor of the angles; 2 in the paper.
        normalize: L2-normalise the features first.

    Returns:
        Scalar; a part without pairs or triples is 0. The gradient is finite at distance 0.

    Raises:
        ValueError: if the shapes disagree.
    """
    _check_pair(student, teacher)
    if normalize:
        student, teacher = F.normalize(student), F.normalize(teacher)
    with torch.no_grad():
        far_teacher = pair_distances(teacher)
    far_student = pair_distances(student)
    images, loss = len(student), student.new_zeros(())
    pairs = images * (images - 1)
    if distance_weight and images > 1:
        found, wanted = (
            far * (pairs / far.sum().clamp(min=SMALLEST)) for far in (far_student, far_teacher)
        )
        loss = loss + distance_weight * F.smooth_l1_loss(found, wanted, reduction='sum') / pairs
    if angle_weight and images > 2:
        with torch.no_grad():
            wanted = angle_cosines(teacher, far_teacher)
        gaps = F.smooth_l1_loss(
            angle_cosines(student, far_student), wanted, reduction='none'
        ).masked_fill(torch.eye(images, dtype=torch.bool, device=student.device), 0)
        loss = loss + angle_weight * gaps.sum() / (pairs * (images - 2))
    return loss


@full_precision
def logit_distillation_loss(student: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of the student's classes from the teacher's, at a temperature.

    Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, section 2; times T^2, so
    that the gradient keeps its size.

    Args:
        student: logits, shape (B, *, num_classes).
        teacher: logits of the same shape, a constant.
        temperature: T, by which both are divided.

    Returns:
        Scalar, the mean over all rows; 0 for an empty batch.

    Raises:
        ValueError: if the shapes differ.
    """
    if student.shape != teacher.shape or student.ndim < 2:
        raise ValueError(
            f'logits of student and teacher must have one shape, got {tuple(student.shape)} and '
            f'{tuple(teacher.shape)}: the teacher needs the same identities'
        )
    wanted = F.log_softmax(teacher.detach() / temperature, -1)
    found = F.log_softmax(student / temperature, -1)
    divergence = F.kl_div(found, wanted, reduction='sum', log_target=True)
    return temperature**2 * divergence / max(student[..., 0].numel(), 1)


def pair_distances(features: Tensor) -> Tensor:
    """Euclidean distances (B, B) of features (B, C), differentiable, with gradient 0 at 0."""
    return torch.cdist(features, features, compute_mode='donot_use_mm_for_euclid_dist')


def angle_cosines(features: Tensor, distances: Tensor) -> Tensor:
    """Cosines of the angles of all triples: [j, i, k] is the angle at j between i and k.

    The scalar products of differences follow from those of the features, so that no (B, B, C)
    tensor is made.

    Args:
        features: shape (B, C).
        distances: their `pair_distances`, (B, B).

    Returns:
        Shape (B, B, B); 0 where i or k is at distance 0 from j.
    """
    centred = features - features.mean(0)
    gram = centred @ centred.T
    products = gram[None] - gram[:, :, None] - gram[:, None, :]
    products = products + gram.diagonal()[:, None, None]
    lengths = distances[:, :, None] * distances[:, None, :]
    known = lengths > 0
    return torch.where(known, products / torch.where(known, lengths, 1), 0)


def _check_pair(student: Tensor, teacher: Tensor) -> None:
    if student.ndim != 2 or teacher.ndim != 2 or len(student) != len(teacher):
        raise ValueError(
            'expected features (B, C) of the student and (B, D) of the teacher, got '
            f'{tuple(student.shape)} and {tuple(teacher.shape)}'
        )
