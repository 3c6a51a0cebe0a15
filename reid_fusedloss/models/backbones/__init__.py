"""Backbones that mmpretrain lacks, or that re-identification uses in another form."""

from .mobilenetv2 import MobileNetV2
from .osnet import OSNet
from .resnet import ResNet

__all__ = ['MobileNetV2', 'OSNet', 'ResNet']
