"""Backbones that mmpretrain has not, or not as re-identification wants them."""

from .efficientnet_lite import EfficientNetLite
from .mobilenetv2 import MobileNetV2
from .osnet import OSNet
from .resnet import ResNet

__all__ = ['EfficientNetLite', 'MobileNetV2', 'OSNet', 'ResNet']
