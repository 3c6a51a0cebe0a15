"""Public benchmarks, each declared by sources, labels, published counts and protocol.

COUNTS holds (identities, images) and TRACKS tracklets for each role; PROTOCOL names the rule of the
published figures.
"""

from .clothes import LTCC, PRCC, PRCCSameClothes
from .infrared import SYSUMM01, SYSUMM01Indoor
from .standard import (
    CUHK03,
    MSMT17,
    MSMT17V2,
    CUHK03Labeled,
    DukeMTMCreID,
    Market1501,
    MSMT17TrainVal,
    OccludedDuke,
    VeRi776,
)
from .tracklets import MARS
from .vehicles import VehicleID, VehicleIDLarge, VehicleIDMedium

__all__ = [
    'CUHK03',
    'CUHK03Labeled',
    'DukeMTMCreID',
    'LTCC',
    'MARS',
    'MSMT17',
    'MSMT17TrainVal',
    'MSMT17V2',
    'Market1501',
    'OccludedDuke',
    'PRCC',
    'PRCCSameClothes',
    'SYSUMM01',
    'SYSUMM01Indoor',
    'VeRi776',
    'VehicleID',
    'VehicleIDLarge',
    'VehicleIDMedium',
]
