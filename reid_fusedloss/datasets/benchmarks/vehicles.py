"""Benchmarks of vehicles without cameras."""

from typing import Any

from ...registry import DATASETS
from ..reid_dataset import ReIDDataset


def _sources(size: int) -> dict[str, Any]:
    test = f'train_test_split/test_list_{size}.txt'
    return dict(train='train_test_split/train_list.txt', query=test, gallery=test)


@DATASETS.register_module()
class VehicleID(ReIDDataset):
    """VehicleID (Liu et al., CVPR 2016), small test of 800 vehicles; lists of `0000001 12`.

    The images of a test list are query and gallery: the protocol draws one of each vehicle for the
    gallery, ten times, and the others are queries. The counts are those of the lists.
    """

    SOURCES = _sources(800)
    LABELS = dict(
        type='csv', columns=('img_path', 'pid'), delimiter=' ', folder='image', suffix='.jpg'
    )
    COUNTS = dict(train=(13164, 113346), query=(800, 6493), gallery=(800, 6493))
    PROTOCOL = 'vehicleid'


@DATASETS.register_module()
class VehicleIDMedium(VehicleID):
    """VehicleID, medium test of 1,600 vehicles."""

    SOURCES = _sources(1600)
    COUNTS = dict(VehicleID.COUNTS, query=(1600, 13377), gallery=(1600, 13377))


@DATASETS.register_module()
class VehicleIDLarge(VehicleID):
    """VehicleID, large test of 2,400 vehicles."""

    SOURCES = _sources(2400)
    COUNTS = dict(VehicleID.COUNTS, query=(2400, 19777), gallery=(2400, 19777))
