"""Loss modules, each `(tensor, labels) -> scalar`, and their weighted sum."""

from .center_loss import CenterLoss
from .circle_loss import CircleLoss
from .distillation import FeatureDistillation, LogitDistillation, RelationDistillation
from .fused_loss import FusedLoss
from .triplet_loss import TripletLoss

__all__ = [
    'CenterLoss',
    'CircleLoss',
    'FeatureDistillation',
    'FusedLoss',
    'LogitDistillation',
    'RelationDistillation',
    'TripletLoss',
]
