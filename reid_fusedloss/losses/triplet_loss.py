"""Triplet loss."""

import torch
from torch import Tensor, nn

from ..checks import check_choice, check_flag, check_number
from ..functional.triplet import (
    TripletDistances,
    hardest_distances,
    triplet_ranking_loss,
    weighted_distances,
)
from ..logs import warn
from ..registry import MODELS

MININGS = {'hard': hardest_distances, 'weighted': weighted_distances}
COLLAPSE_DISTANCE = 1e-3
COLLAPSE_FRACTION = 0.5
CHECK_INTERVAL = 100


@MODELS.register_module()
class TripletLoss(nn.Module):
    """Triplet loss with mining inside the batch; see `batch_hard_triplet_loss`.

    If all features collapse onto one point, the gradient vanishes and training never recovers. The
    module logs a warning once if more than half of the anchors have a negative within a Euclidean
    distance of 1e-3. It checks the first training step and every 100th after it, since a check
    waits for the device.

    Args:
        margin: margin in units of the distance; None: soft margin.
        mining: 'hard': hardest positive and negative of the batch. 'weighted': all pairs,
            softmax-weighted, as in AGW (whose margin is None).
        normalize: L2-normalise the features first.
        squared: use squared Euclidean distances.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if the margin is not finite and >= 0, or the mining is unknown.
    """

    def __init__(
        self,
        margin: float | None = 0.3,
        mining: str = 'hard',
        normalize: bool = False,
        squared: bool = False,
    ) -> None:
        super().__init__()
        if margin is not None:
            check_number('margin', margin)
            if margin < 0:
                raise ValueError(f'margin={margin} must be >= 0, or None for a soft margin')
        check_choice('mining', mining, MININGS)
        check_flag('normalize', normalize)
        check_flag('squared', squared)
        self.margin = margin
        self.mining = mining
        self.normalize = normalize
        self.squared = squared
        self._warned = False
        self._steps = 0

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of features (B, C) with integer identities (B,), a scalar."""
        distances = MININGS[self.mining](
            features, labels, normalize=self.normalize, squared=self.squared
        )
        if self.training:
            self._check_collapse(distances)
        return triplet_ranking_loss(distances, self.margin)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # PyTorch leaves it untyped
    def _check_collapse(self, distances: TripletDistances) -> None:
        if self._steps % CHECK_INTERVAL == 0 and not self._warned:
            self._warn_if_collapsed(distances)
        self._steps += 1

    def _warn_if_collapsed(self, distances: TripletDistances) -> None:
        near = COLLAPSE_DISTANCE**2 if self.squared else COLLAPSE_DISTANCE
        collapsed = ((distances.negative.detach() < near) & distances.usable).sum()
        fraction = (collapsed / distances.usable.sum().clamp(min=1)).item()
        if fraction > COLLAPSE_FRACTION:
            self._warned = True
            warn(
                f'TripletLoss: {fraction:.0%} of the anchors have a negative within '
                f'{COLLAPSE_DISTANCE} of them: the features have collapsed onto one point, '
                'where the gradient vanishes. Lower the learning rate, warm up longer, or '
                'use margin=None.'
            )

    def extra_repr(self) -> str:
        """Return the settings for `print(model)`."""
        return (
            f'margin={self.margin}, mining={self.mining!r}, normalize={self.normalize}, '
            f'squared={self.squared}'
        )
