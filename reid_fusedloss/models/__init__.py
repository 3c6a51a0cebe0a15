"""Heads and a backbone; the other backbones, necks and the model itself are mmpretrain's."""
from .bnneck_head import BNNeckHead
from .flip_test_model import FlipTestModel
from .linear_head import LinearReIDHead
from .mobilenetv2 import MobileNetV2
from .pcb_head import PartwiseLoss, PCBHead

__all__ = ['BNNeckHead', 'FlipTestModel', 'LinearReIDHead', 'MobileNetV2', 'PCBHead',
           'PartwiseLoss']
