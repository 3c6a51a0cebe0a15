"""Heads compute the tensors for the losses, and the embedding, from a pooled feature or a map."""

from .bnneck_head import BNNeckHead
from .linear_head import LinearReIDHead
from .pcb_head import PartwiseLoss, PCBHead

__all__ = ['BNNeckHead', 'LinearReIDHead', 'PCBHead', 'PartwiseLoss']
