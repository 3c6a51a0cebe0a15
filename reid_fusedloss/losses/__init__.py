"""Loss modules, each `(tensor, labels) -> scalar`, and their weighted sum."""

from .center_loss import CenterLoss
from .circle_loss import CircleLoss
from .fused_loss import FusedLoss
from .triplet_loss import TripletLoss

__all__ = ['CenterLoss', 'CircleLoss', 'FusedLoss', 'TripletLoss']
