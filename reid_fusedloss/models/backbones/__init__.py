"""Backbones that mmpretrain has not, or not with the strides that re-identification wants."""
from .mobilenetv2 import MobileNetV2
from .osnet import OSNet

__all__ = ['MobileNetV2', 'OSNet']
