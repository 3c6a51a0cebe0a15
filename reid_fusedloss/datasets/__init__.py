"""Data sets, image loading and the PK sampler."""

from .benchmarks import (
    CUHK03,
    MSMT17,
    CUHK03Labeled,
    DukeMTMCreID,
    Market1501,
    MSMT17TrainVal,
    OccludedDuke,
    VeRi776,
)
from .draws import SeededBatchSampler
from .joint_dataset import JointReIDDataset
from .load_image import LoadReIDImage
from .pk_sampler import PKBatchSampler
from .reid_dataset import ReIDDataset
from .synthetic import SyntheticReID

__all__ = [
    'CUHK03',
    'CUHK03Labeled',
    'DukeMTMCreID',
    'JointReIDDataset',
    'LoadReIDImage',
    'MSMT17',
    'MSMT17TrainVal',
    'Market1501',
    'OccludedDuke',
    'PKBatchSampler',
    'ReIDDataset',
    'SeededBatchSampler',
    'SyntheticReID',
    'VeRi776',
]
