"""Benchmarks of tracklets: several images of one walk past a camera."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import check_choice
from ...registry import DATASETS
from ..image_files import check_file
from ..reid_dataset import ReIDDataset


def read_mars(root: Path, source: str) -> Iterator[dict[str, Any]]:
    """Read MARS: names in `info/*_name.txt`, tracklets of them in `info/*.mat`.

    Args:
        root: folder of the data set.
        source: 'train', or of the test tracklets the 'query' ones or the others, 'gallery'.

    Raises:
        ValueError: if the source is another one, a list is shorter than the tracklets, a name
            contradicts its tracklet, or a file is not a .mat file.
    """
    check_choice('the source', source, ('train', 'query', 'gallery'))
    split = 'train' if source == 'train' else 'test'
    names = check_file(root / f'info/{split}_name.txt').read_text().split()
    tracks = _matrix(root / f'info/tracks_{split}_info.mat', f'track_{split}_info')
    numbers = np.arange(len(tracks))
    if split == 'test':
        queries = _matrix(root / 'info/query_IDX.mat', 'query_IDX').ravel() - 1
        numbers = queries if source == 'query' else np.setdiff1d(numbers, queries)
    for number in numbers.tolist():
        first, last, pid, camera = tracks[number].tolist()
        if not 0 < first <= last <= len(names):
            raise ValueError(
                f'{root}/info: tracklet {number + 1} has images {first} to {last} of {len(names)}'
            )
        person = '00-1' if pid == -1 else f'{pid:04d}'
        for name in names[first - 1 : last]:
            if not name.startswith(f'{person}C{camera}T'):
                raise ValueError(
                    f'{root}/info: {name} is in tracklet {number + 1}, of identity {person} and '
                    f'camera {camera}: names and .mat files contradict each other'
                )
            path = f'bbox_{split}/{person}/{name}'
            yield dict(img_path=path, pid=pid, camid=camera, track=number + 1)


def _matrix(file: Path, name: str) -> np.ndarray:
    from scipy.io import loadmat  # not above: every start of the package would import it
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(check_file(file))[name].astype(np.int64)
    except (ValueError, KeyError, NotImplementedError, MatReadError) as error:
        raise ValueError(f'{file} is not a .mat file with a matrix {name} ({error})') from None


@DATASETS.register_module()
class MARS(ReIDDataset):
    """MARS (Zheng et al., ECCV 2016): 6 cameras; names `0001C1T0001F001.jpg`, identity first.

    `track` is the number of a tracklet in its list. The gallery holds the tracklets that are not
    queries, as in torchreid; identity -1 is junk, 0 are distractors.
    """

    SOURCES = dict(train='train', query='query', gallery='gallery')
    LABELS = read_mars
    COUNTS = dict(train=(625, 509914), query=(626, 114493), gallery=(621, 543216))
    TRACKS = dict(train=8298, query=1980, gallery=9330)
