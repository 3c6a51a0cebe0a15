"""Backbones that mmpretrain lacks, or that re-identification uses in another form."""

from .efficientnet_lite import EfficientNetLite
from .mobilenetv2 import MobileNetV2
from .osnet import OSNet
from .resnet import ResNet

__all__ = ['EfficientNetLite', 'MobileNetV2', 'OSNet', 'ResNet']
