"""Losses as naive loops over scalars in float64, written from the formulas and from peers' code.

Every function takes float64 tensors and labels (a list of int) and is differentiable by autograd.
"""

import torch
from torch import Tensor


def fixture() -> tuple[Tensor, Tensor, Tensor]:
    """Features (16, 8), labels (16,) of 4 identities, class rows (6, 8); float64 of float32."""
    i = torch.arange(128, dtype=torch.float64)
    features = (torch.sin(0.37 * i) + 0.5 * torch.cos(1.91 * i)).view(16, 8)
    rows = torch.cos(0.53 * torch.arange(48, dtype=torch.float64)).view(6, 8)
    return features.float().double(), torch.arange(16) // 4, rows.float().double()


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum() / ((a * a).sum().sqrt() * (b * b).sum().sqrt())


def cosines(features: Tensor, rows: Tensor) -> Tensor:
    return torch.stack([torch.stack([cosine(f, r) for r in rows]) for f in features])


def softplus(x: Tensor) -> Tensor:
    return torch.logaddexp(x, torch.zeros_like(x))


def _logsumexp(values: list[Tensor]) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = torch.logaddexp(total, value)
    return total


def _pull(s: Tensor, m: float, gamma: float) -> Tensor:
    return -gamma * max(1 + m - s.item(), 0) * (s - (1 - m))


def _push(s: Tensor, m: float, gamma: float) -> Tensor:
    return gamma * max(s.item() + m, 0) * (s - m)


def circle_anchor(similarity: Tensor, labels: list[int], m: float, gamma: float) -> Tensor:
    losses = []
    for i, y in enumerate(labels):
        pull = [
            _pull(similarity[i, j], m, gamma) for j, z in enumerate(labels) if z == y and j != i
        ]
        push = [_push(similarity[i, j], m, gamma) for j, z in enumerate(labels) if z != y]
        if pull and push:
            losses.append(softplus(_logsumexp(pull) + _logsumexp(push)))
    return torch.stack(losses).mean() if losses else 0 * similarity.sum()


def circle_batch(similarity: Tensor, labels: list[int], m: float, gamma: float) -> Tensor:
    pull, push = [], []
    for i, y in enumerate(labels):
        for j in range(i + 1, len(labels)):
            if labels[j] == y:
                pull.append(_pull(similarity[i, j], m, gamma))
            else:
                push.append(_push(similarity[i, j], m, gamma))
    if not (pull and push):
        return 0 * similarity.sum()
    return softplus(_logsumexp(pull) + _logsumexp(push))


def circle_class(
    cosines_: Tensor, labels: list[int], m: float, gamma: float, smoothing: float = 0.0
) -> Tensor:
    losses = []
    for row, y in zip(cosines_, labels):
        logits = [-_pull(s, m, gamma) if k == y else _push(s, m, gamma) for k, s in enumerate(row)]
        log_z = _logsumexp(logits)
        log_p = [logit - log_z for logit in logits]
        losses.append(-(1 - smoothing) * log_p[y] - smoothing * sum(log_p) / len(log_p))
    return torch.stack(losses).mean()


def distance(a: Tensor, b: Tensor, squared: bool = False) -> Tensor:
    total = ((a - b) ** 2).sum()
    return total if squared or total == 0 else total.sqrt()


def _normalized(features: Tensor) -> Tensor:
    return torch.stack([f / (f * f).sum().sqrt() for f in features])


def triplet_hard(
    features: Tensor,
    labels: list[int],
    margin: float | None,
    normalize: bool = False,
    squared: bool = False,
) -> Tensor:
    x = _normalized(features) if normalize else features
    losses = []
    for i, y in enumerate(labels):
        positive = [
            distance(x[i], x[j], squared) for j, z in enumerate(labels) if z == y and j != i
        ]
        negative = [distance(x[i], x[j], squared) for j, z in enumerate(labels) if z != y]
        if positive and negative:
            gap = max(positive) - min(negative)
            losses.append(softplus(gap) if margin is None else (gap + margin).clamp(min=0))
    return torch.stack(losses).mean() if losses else 0 * features.sum()


def triplet_weighted(
    features: Tensor,
    labels: list[int],
    margin: float | None = None,
    normalize: bool = False,
    squared: bool = False,
) -> Tensor:
    """AGW: the anchor is among its positives, with distance 0."""
    x = _normalized(features) if normalize else features
    losses = []
    for i, y in enumerate(labels):
        if labels.count(y) == 1 or labels.count(y) == len(labels):
            continue
        positive = [distance(x[i], x[j], squared) for j, z in enumerate(labels) if z == y]
        negative = [distance(x[i], x[j], squared) for j, z in enumerate(labels) if z != y]
        far = sum(d * d.exp() for d in positive) / sum(d.exp() for d in positive)
        near = sum(d * (-d).exp() for d in negative) / sum((-d).exp() for d in negative)
        gap = far - near
        losses.append(softplus(gap) if margin is None else (gap + margin).clamp(min=0))
    return torch.stack(losses).mean() if losses else 0 * features.sum()


def center(features: Tensor, labels: list[int], centers: Tensor, reduction: str = 'mean') -> Tensor:
    total = sum(((f - centers[y]) ** 2).sum() for f, y in zip(features, labels))
    return total / len(labels) if reduction == 'mean' else total / 2


def wen_step(features: Tensor, labels: list[int], centers: Tensor, alpha: float) -> Tensor:
    """Wen et al., eq. 4: c_j - alpha * sum of (c_j - x_i) / (1 + number of samples of j)."""
    new = centers.clone()
    for j in set(labels):
        of_j = [f for f, y in zip(features, labels) if y == j]
        new[j] -= alpha * sum(centers[j] - f for f in of_j) / (1 + len(of_j))
    return new
