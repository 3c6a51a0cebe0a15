"""Benchmarks of people seen in visible and in infrared light."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...registry import DATASETS
from ..image_files import check_file, list_images
from ..reid_dataset import ReIDDataset

VISIBLE, INFRARED = (1, 2, 4, 5), (3, 6)
IDS = ('exp/train_id.txt', 'exp/val_id.txt')
TEST_IDS = ('exp/test_id.txt',)


def read_sysu(root: Path, source: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Read SYSU-MM01: `cam1/0007/0001.jpg`, with the identities of a split in `exp/*_id.txt`.

    Args:
        root: folder of the data set.
        source: dict(ids=files of identities between commas, cameras=numbers).

    Raises:
        TypeError: if the source is something else.
        ValueError: if a file holds something else than numbers between commas.
    """
    if not isinstance(source, Mapping) or set(source) != {'ids', 'cameras'}:
        raise TypeError(f'a source of SYSU-MM01 is dict(ids=, cameras=), got {source!r}')
    for name in source['ids']:
        file = check_file(root / name)
        texts = file.read_text(encoding='utf-8-sig').replace('\n', ',').split(',')
        pids = [text.strip() for text in texts if text.strip()]
        if not all(pid.isdecimal() for pid in pids):
            raise ValueError(f'{file}: identities must be numbers between commas')
        for camera in source['cameras']:
            for pid in pids:
                folder = root / f'cam{camera}' / f'{int(pid):04d}'
                if folder.is_dir():  # no identity is seen by all cameras
                    for path in list_images(root, str(folder.relative_to(root))):
                        yield dict(img_path=str(path), pid=pid, camid=camera)


@DATASETS.register_module()
class SYSUMM01(ReIDDataset):
    """SYSU-MM01 (Wu et al., ICCV 2017): cameras 3 and 6 are infrared; all-search mode.

    Infrared queries, visible gallery; cameras 2 and 3 are one place. Trains on the identities of
    the training and the validation list together, as published work does. The gallery holds all
    images: published figures draw one (or ten) of each identity and camera, ten times.
    """

    SOURCES = dict(
        train=dict(ids=IDS, cameras=(1, 2, 3, 4, 5, 6)),
        query=dict(ids=TEST_IDS, cameras=INFRARED),
        gallery=dict(ids=TEST_IDS, cameras=VISIBLE),
    )
    LABELS = read_sysu
    COUNTS = dict(train=(395, 34167), query=(96, 3803), gallery=(96, 6775))
    PROTOCOL = dict(type='camera_pairs', pairs=((2, 3),), trials=10)


@DATASETS.register_module()
class SYSUMM01Indoor(SYSUMM01):
    """SYSU-MM01 in indoor-search mode: only cameras 1 and 2 make the gallery."""

    SOURCES = dict(SYSUMM01.SOURCES, gallery=dict(ids=TEST_IDS, cameras=(1, 2)))
    COUNTS = dict(train=(395, 34167), query=(96, 3803), gallery=(56, 2939))
