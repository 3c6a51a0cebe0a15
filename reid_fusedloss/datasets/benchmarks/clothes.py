"""Benchmarks of people who change their clothes."""

from pathlib import Path

from ...registry import DATASETS
from ..file_names import ImageFile
from ..image_files import Source
from ..labels import read_paths
from ..reid_dataset import ReIDDataset


@DATASETS.register_module()
class LTCC(ReIDDataset):
    """LTCC (Qian et al., ACCV 2020): 12 cameras; names `000_1_c3_015881.png`, the 1 is the outfit.

    Both of its figures come from this split: the clothes-changing one leaves out gallery images of
    the query's identity that share camera or clothes, the standard one is protocol='general'.
    """

    SOURCES = dict(train='train', query='query', gallery='test')
    PATTERN = r'(?P<pid>\d+)_(?P<clothes>\d+)_c(?P<camid>\d+)'
    COUNTS = dict(train=(77, 9576), query=(75, 493), gallery=(75, 7050))
    PROTOCOL = 'clothes_changing'


def read_prcc(root: Path, source: Source) -> list[ImageFile]:
    """Read PRCC: `rgb/train/001/A_cropped_rgb001.jpg`, `rgb/test/A/001/cropped_rgb001.jpg`.

    Cameras A and B saw a person in the same clothes, camera C in others.
    """
    pattern = r'(?=.*/(?P<camid>[ABC])[/_])(?:.*/)?(?P<pid>\d+)/[^/]+$'
    files = read_paths(root, source, pattern=pattern)
    return [file._replace(clothes='C' if file.camid == 'C' else 'AB') for file in files]


@DATASETS.register_module()
class PRCC(ReIDDataset):
    """PRCC (Yang et al., TPAMI 2019): 3 cameras; queries of camera C, in other clothes.

    The paper ranks one gallery image of each person, drawn ten times. Later work often ranks the
    whole gallery: protocol='clothes_changing'.
    """

    SOURCES = dict(train='rgb/train', query='rgb/test/C', gallery='rgb/test/A')
    LABELS = read_prcc
    COUNTS = dict(train=(150, 17896), query=(71, 3873), gallery=(71, 3384))
    PROTOCOL = 'single_gallery_shot'


@DATASETS.register_module()
class PRCCSameClothes(PRCC):
    """PRCC with the queries of camera B, in the same clothes."""

    SOURCES = dict(PRCC.SOURCES, query='rgb/test/B')
    COUNTS = dict(PRCC.COUNTS, query=(71, 3543))
