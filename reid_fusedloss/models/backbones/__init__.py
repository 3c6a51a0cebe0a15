"""Backbones that mmpretrain has not, or not as re-identification wants them."""

from .mobilenetv2 import MobileNetV2
from .osnet import OSNet
from .resnet import ResNet

__all__ = ['MobileNetV2', 'OSNet', 'ResNet']
