"""Distillation losses as naive loops in float64, written from the papers' formulas."""

from itertools import permutations

import torch
from torch import Tensor


def huber(x: Tensor, y: Tensor) -> Tensor:
    """Park et al. (2019), eq. 6."""
    gap = (x - y).abs()
    return 0.5 * gap**2 if gap <= 1 else gap - 0.5


def length(vector: Tensor) -> Tensor:
    return (vector * vector).sum().sqrt()


def relation(student: Tensor, teacher: Tensor, by_distance: float, by_angle: float) -> Tensor:
    """Park et al. (2019), eq. 4, 5, 7 to 9, averaged over pairs and triples of different images."""
    pairs = list(permutations(range(len(student)), 2))
    triples = list(permutations(range(len(student)), 3))
    potentials = []
    for features in (student, teacher):
        lengths = {(i, j): length(features[i] - features[j]) for i, j in pairs}
        mean = sum(lengths.values()) / len(pairs)
        angles = [
            ((features[i] - features[j]) * (features[k] - features[j])).sum()
            / (lengths[i, j] * lengths[k, j])
            for i, j, k in triples
        ]
        potentials.append(([lengths[pair] / mean for pair in pairs], angles))
    (far, bent), (far_teacher, bent_teacher) = potentials
    distances = sum(huber(a, b) for a, b in zip(far, far_teacher)) / len(pairs)
    angles = sum(huber(a, b) for a, b in zip(bent, bent_teacher)) / len(triples)
    return by_distance * distances + by_angle * angles


def logits(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Hinton et al. (2015): sum of p log(p / q) over the classes, times T^2, mean of the rows."""
    total = student.new_zeros(())
    for mine, theirs in zip(student, teacher):
        p = [torch.exp(value / temperature) for value in theirs]
        q = [torch.exp(value / temperature) for value in mine]
        for a, b in zip(p, q):
            total = total + a / sum(p) * torch.log((a / sum(p)) / (b / sum(q)))
    return temperature**2 * total / len(student)


def feature(student: Tensor, teacher: Tensor, form: str) -> Tensor:
    total = student.new_zeros(())
    for mine, theirs in zip(student, teacher):
        if form == 'l2':
            total = total + sum((a - b) ** 2 for a, b in zip(mine, theirs)) / len(mine)
        else:
            total = total + 1 - (mine * theirs).sum() / (length(mine) * length(theirs))
    return total / len(student)
