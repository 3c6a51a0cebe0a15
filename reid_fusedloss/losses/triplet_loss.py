import logging
import math
from typing import Optional

from mmengine.logging import print_log
from torch import Tensor, nn

from ..functional.triplet import (TripletDistances, hardest_distances, triplet_ranking_loss,
                                  weighted_distances)
from ..registry import MODELS

MININGS = {'hard': hardest_distances, 'weighted': weighted_distances}
COLLAPSE_DISTANCE = 1e-3
COLLAPSE_FRACTION = 0.5


@MODELS.register_module()
class TripletLoss(nn.Module):
    """Triplet loss with mining inside the batch; see `batch_hard_triplet_loss`.

    When all features fall onto one point the gradient vanishes and training never recovers. The
    module says so in the log, once, when more than half of the anchors have their negative within
    a Euclidean distance of 1e-3.

    Args:
        margin: in units of the distance; None: soft margin.
        mining: 'hard': hardest positive and negative of the batch. 'weighted': all pairs,
            softmax-weighted, as AGW (whose margin is None).
        normalize: L2-normalise the features first.
        squared: squared Euclidean distances.

    Raises:
        ValueError: if the margin is not finite and >= 0, or the mining is unknown.
    """

    def __init__(self, margin: Optional[float] = 0.3, mining: str = 'hard',
                 normalize: bool = False, squared: bool = False) -> None:
        super().__init__()
        if margin is not None and not (math.isfinite(margin) and margin >= 0):
            raise ValueError(f'margin={margin} must be finite and >= 0, or None for a soft margin')
        if mining not in MININGS:
            raise ValueError(f'mining={mining!r} is none of {tuple(MININGS)}')
        self.margin = margin
        self.mining = mining
        self.normalize = normalize
        self.squared = squared
        self._warned = False

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Loss of features (B, C) with integer identities (B,): a scalar."""
        distances = MININGS[self.mining](features, labels, normalize=self.normalize,
                                         squared=self.squared)
        if self.training and not self._warned:
            self._warn_if_collapsed(distances)
        return triplet_ranking_loss(distances, self.margin)

    def _warn_if_collapsed(self, distances: TripletDistances) -> None:
        near = COLLAPSE_DISTANCE ** 2 if self.squared else COLLAPSE_DISTANCE
        collapsed = ((distances.negative.detach() < near) & distances.usable).sum()
        fraction = (collapsed / distances.usable.sum().clamp(min=1)).item()
        if fraction > COLLAPSE_FRACTION:
            self._warned = True
            print_log(f'TripletLoss: {fraction:.0%} of the anchors have a negative within '
                      f'{COLLAPSE_DISTANCE} of them: the features have collapsed onto a point, '
                      'where the gradient vanishes. Lower the learning rate, warm up longer, or '
                      'use margin=None.', logger='current', level=logging.WARNING)

    def extra_repr(self) -> str:
        """The settings, for `print(model)`."""
        return (f'margin={self.margin}, mining={self.mining!r}, normalize={self.normalize}, '
                f'squared={self.squared}')
