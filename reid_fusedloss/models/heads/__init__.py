"""From a pooled feature, or a map, to the tensors that losses read and to an embedding."""

from .bnneck_head import BNNeckHead
from .linear_head import LinearReIDHead
from .pcb_head import PartwiseLoss, PCBHead

__all__ = ['BNNeckHead', 'LinearReIDHead', 'PCBHead', 'PartwiseLoss']
