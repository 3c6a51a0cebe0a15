"""Heads; backbones, necks and the model itself are mmpretrain's."""
from .bnneck_head import BNNeckHead
from .linear_head import LinearReIDHead

__all__ = ['BNNeckHead', 'LinearReIDHead']
