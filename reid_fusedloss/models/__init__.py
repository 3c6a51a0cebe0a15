"""Heads and backbones; mmpretrain provides the other backbones, the necks and the model itself."""

from .backbones import MobileNetV2, OSNet, ResNet
from .data_preprocessor import ReIDDataPreprocessor
from .flip_test_model import FlipTestModel
from .heads import BNNeckHead, LinearReIDHead, PartwiseLoss, PCBHead

__all__ = [
    'BNNeckHead',
    'FlipTestModel',
    'LinearReIDHead',
    'MobileNetV2',
    'OSNet',
    'PCBHead',
    'PartwiseLoss',
    'ReIDDataPreprocessor',
    'ResNet',
]
