"""Data sets, image loading and the PK sampler."""

from .benchmarks import (
    CUHK03,
    LTCC,
    MARS,
    MSMT17,
    MSMT17V2,
    PRCC,
    SYSUMM01,
    CUHK03Labeled,
    DukeMTMCreID,
    Market1501,
    MSMT17TrainVal,
    OccludedDuke,
    PRCCSameClothes,
    SYSUMM01Indoor,
    VehicleID,
    VehicleIDLarge,
    VehicleIDMedium,
    VeRi776,
)
from .draws import SeededBatchSampler
from .image_steps import PackInputs, RandomCrop, RandomErasing, RandomFlip
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
    'LTCC',
    'LoadReIDImage',
    'MARS',
    'MSMT17',
    'MSMT17TrainVal',
    'MSMT17V2',
    'Market1501',
    'OccludedDuke',
    'PKBatchSampler',
    'PackInputs',
    'PRCC',
    'PRCCSameClothes',
    'RandomCrop',
    'RandomErasing',
    'RandomFlip',
    'ReIDDataset',
    'SYSUMM01',
    'SYSUMM01Indoor',
    'SeededBatchSampler',
    'SyntheticReID',
    'VeRi776',
    'VehicleID',
    'VehicleIDLarge',
    'VehicleIDMedium',
]
