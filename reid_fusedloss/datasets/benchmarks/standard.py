"""Benchmarks of the standard protocol: file names hold identity and camera.

Market-1501's and DukeMTMC-reID's galleries count what is ranked: `-1` junk dropped, `0000`
distractors (one identity more) kept.
"""

from ...registry import DATASETS
from ..reid_dataset import ReIDDataset


@DATASETS.register_module()
class Market1501(ReIDDataset):
    """Market-1501 (Zheng et al., ICCV 2015): 6 cameras; names `0002_c1s1_000451_03.jpg`."""

    SOURCES = dict(train='bounding_box_train', query='query', gallery='bounding_box_test')
    PATTERN = r'(?P<pid>-1|\d+)_c(?P<camid>\d+)'
    COUNTS = dict(train=(751, 12936), query=(750, 3368), gallery=(751, 15913))


@DATASETS.register_module()
class DukeMTMCreID(Market1501):
    """DukeMTMC-reID (Zheng et al., ICCV 2017), 8 cameras; withdrawn by its authors in 2019."""

    COUNTS = dict(train=(702, 16522), query=(702, 2228), gallery=(1110, 17661))


@DATASETS.register_module()
class OccludedDuke(Market1501):
    """Occluded-Duke (Miao et al., ICCV 2019): another split of DukeMTMC-reID, occluded queries."""

    COUNTS = dict(train=(702, 15618), query=(519, 2210), gallery=(1110, 17661))


@DATASETS.register_module()
class CUHK03(Market1501):
    """CUHK03 in the new protocol (Zhong et al., 2017), detected boxes, Market-1501's layout."""

    COUNTS = dict(train=(767, 7365), query=(700, 1400), gallery=(700, 5332))


@DATASETS.register_module()
class CUHK03Labeled(Market1501):
    """CUHK03 in the new protocol with hand-drawn boxes."""

    COUNTS = dict(train=(767, 7368), query=(700, 1400), gallery=(700, 5328))


@DATASETS.register_module()
class VeRi776(ReIDDataset):
    """VeRi-776 vehicles (Liu et al., ECCV 2016): 20 cameras; names `0001_c001_00016450_0.jpg`."""

    SOURCES = dict(train='image_train', query='image_query', gallery='image_test')
    PATTERN = r'(?P<pid>\d+)_c(?P<camid>\d+)'
    COUNTS = dict(train=(576, 37778), query=(200, 1678), gallery=(200, 11579))


def _listed(name: str, folder: str) -> dict[str, str]:
    return dict(folder=folder, list_file=f'list_{name}.txt')


@DATASETS.register_module()
class MSMT17(ReIDDataset):
    """MSMT17 (Wei et al., CVPR 2018): 15 cameras; names `0000_000_01_0303morning_0008_0.jpg`.

    Trains on the official train list, as FastReID, torchreid and reid-strong-baseline do.
    """

    SOURCES = dict(
        train=_listed('train', 'train'),
        query=_listed('query', 'test'),
        gallery=_listed('gallery', 'test'),
    )
    PATTERN = r'(?P<pid>\d+)_\d+_(?P<camid>\d+)'
    COUNTS = dict(train=(1041, 30248), query=(3060, 11659), gallery=(3060, 82161))


@DATASETS.register_module()
class MSMT17TrainVal(MSMT17):
    """MSMT17 trained on its train and validation lists together."""

    SOURCES = dict(MSMT17.SOURCES, train=[_listed('train', 'train'), _listed('val', 'train')])
    COUNTS = dict(MSMT17.COUNTS, train=(1041, 32621))


@DATASETS.register_module()
class MSMT17V2(MSMT17):
    """MSMT17_V2: the same images with masked faces, in folders of other names."""

    SOURCES = dict(
        train=_listed('train', 'mask_train_v2'),
        query=_listed('query', 'mask_test_v2'),
        gallery=_listed('gallery', 'mask_test_v2'),
    )
