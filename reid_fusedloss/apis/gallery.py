"""A gallery from images, or from features that are there already; brought up to date."""
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

import numpy as np

from ..checks import check_flag
from ..datasets.file_names import compile_pattern, warn_of_misfits
from ..evaluation.embeddings_file import load_features
from ..npz_file import NOT_NPZ
from ..search import Entry, GalleryIndex
from ..search.entries import Entries
from .extractor import FeatureExtractor
from .feature_store import MANIFEST, load_extraction
from .fingerprint import digits_of
from .query_gallery import MARKET1501 as PATTERN
from .sources import ImageSource
from .work_list import WorkList

NOBODY = '-1'  # what Market-1501 calls those that it knows nothing of
DISTRACTOR = '0000'  # and who is there to make the search harder: no identity either
STAMP = 'file'  # key of an entry's info: size and time of change of its file


@dataclass(frozen=True)
class GalleryUpdate:
    """What an update found; names are absolute paths.

    Attributes:
        added: new images.
        changed: images whose file is another now.
        gone: entries whose file is no longer there.
        unreadable: name -> reason, of images that could not be read; they are tried again at each
            update.
    """
    added: list[str]
    changed: list[str]
    gone: list[str]
    unreadable: dict[str, str]


def model_id(inferencer: FeatureExtractor) -> str:
    """What a gallery knows the model by: all that its features depend on, see `digits_of`.

    Raises:
        ValueError: if the model's test ranks by another distance than a gallery.
    """
    if inferencer.distance != 'cosine':
        raise ValueError(f"the model's test ranks by {inferencer.distance} distance, a gallery by "
                         'the cosine, which gives another order: to search by the cosine all the '
                         'same, --cfg-options test_evaluator.distance=cosine, for an exported file '
                         'when it is exported')
    return digits_of(inferencer.fingerprint())


def update_gallery(index: GalleryIndex, inferencer: FeatureExtractor,
                   inputs: Sequence[Union[str, os.PathLike]], *, pattern: Optional[str] = None,
                   recursive: bool = False, prune: bool = False) -> GalleryUpdate:
    """Bring a gallery up to date with its images; only what is new or changed goes through a model.

    A file has changed if it has another size or time of change. An entry whose file has become
    unreadable is removed. Entries that did not come from a file are left alone. Nothing is saved.

    Args:
        index: the gallery; entries are named by the absolute paths of their files.
        inferencer: makes the features.
        inputs: paths of images, folders, globs and list files.
        pattern: see `parse_labels`; another one than the gallery's is applied to the names that
            are there too. None: the gallery's, or Market-1501's if it has none.
        recursive: look into the folders of folders too.
        prune: remove entries whose file is no longer there.

    Raises:
        TypeError: if the inputs are one path.
        FileNotFoundError, ValueError: if an input does not exist or holds no image, the pattern is
            wrong, or the gallery is of another model.
    """
    check_flag('prune', prune)
    index.check_model(model_id(inferencer))
    stamps = {os.path.abspath(name): stamp
              for name, stamp in WorkList(inputs, recursive).stamps.items()}
    known = {entry.name: (entry.info or {}).get(STAMP) for entry in index.entries}
    wanted = [name for name, stamp in stamps.items() if known.get(name, '') != stamp]
    if pattern is not None and pattern != index.pattern:
        relabel(index, pattern)
    index.pattern = pattern = index.pattern or PATTERN
    warn_of_misfits(stamps, pattern)
    found = inferencer([ImageSource(name) for name in wanted])
    labels = [parse_labels(name, pattern) for name in found.names]
    added = index.add(found.features, found.names, pids=[pid for pid, _ in labels],
                      camids=[camid for _, camid in labels],
                      infos=[{STAMP: stamps[name]} for name in found.names], duplicates='replace')
    gone = [name for name, stamp in known.items() if stamp and not os.path.exists(name)]
    stale = [name for name in found.unreadable if name in index.entries]
    index.remove(list(dict.fromkeys(stale + (gone if prune else []))))
    return GalleryUpdate([name for name in added if name not in known],
                         [name for name in added if name in known], gone, found.unreadable)


def relabel(index: GalleryIndex, pattern: str) -> None:
    """Read the labels of the entries that came from files out of their names anew.

    Args:
        index: it keeps the pattern too.
        pattern: see `parse_labels`.

    Raises:
        TypeError, ValueError: as `compile_pattern`.
    """
    compile_pattern(pattern)
    index.entries = Entries(
        Entry(entry.name, *parse_labels(entry.name, pattern), entry.info)
        if (entry.info or {}).get(STAMP) else entry for entry in index.entries)
    index.pattern = pattern


def parse_labels(path: str, pattern: str = PATTERN) -> tuple[Optional[str], Optional[str]]:
    """Identity and camera out of the name of a file, as strings; None for what it does not say.

    The identity -1, and 0000 of Market-1501's pattern, are nobody: None.

    Args:
        path: its folders are not looked at.
        pattern: regular expression, matched at the start of the name, with the groups `pid` and,
            where there are cameras, `camid`.

    Raises:
        TypeError, ValueError: as `compile_pattern`.
    """
    match = compile_pattern(pattern).match(Path(path).name)
    groups = match.groupdict() if match else {}
    pid = groups.get('pid') or None
    nobody = pid == NOBODY or pid == DISTRACTOR and pattern == PATTERN
    return None if nobody else pid, groups.get('camid') or None


def gallery_of_features(path: str, pattern: str = PATTERN) -> GalleryIndex:
    """An exact index of features that are on the disk; a folder of them tells their model.

    Args:
        path: what tools/extract_features.py wrote, a file or a folder, whose names tell the
            identities by the pattern; or an .npz file of tools/test.py --save-features, of which
            the gallery is taken, with its labels and the names 'gallery 0', 'gallery 1', ...
        pattern: see `parse_labels`.

    Raises:
        FileNotFoundError, ValueError: if there are no such features.
    """
    if _is_test_set(path):
        features = load_features(path)
        index = GalleryIndex(features.gallery.shape[1])
        camids = features.gallery_camids
        index.add(features.gallery, [f'gallery {row}' for row in range(len(features.gallery))],
                  pids=features.gallery_pids.tolist(),
                  camids=None if camids is None else camids.tolist())
        return index
    found = load_extraction(path)
    if not len(found):
        raise ValueError(f'{path} holds no features')
    warn_of_misfits(found.names, pattern)
    labels = [parse_labels(name, pattern) for name in found.names]
    names = [os.path.abspath(name) if os.path.isfile(name) else name for name in found.names]
    index = GalleryIndex(found.features.shape[1], model=_maker(path))
    index.add(found.features, names, pids=[pid for pid, _ in labels],
              camids=[camid for _, camid in labels], duplicates='skip')
    return index


def _maker(path: str) -> Optional[str]:
    """`model_id` of the model that made a folder of features; None: a file does not tell."""
    if not os.path.isdir(path):
        return None
    return digits_of(json.loads(Path(path, MANIFEST).read_text(encoding='utf-8'))['made_by'])


def _is_test_set(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    try:
        with np.load(path, allow_pickle=False) as file:
            return 'gallery_f' in file
    except NOT_NPZ:
        return False  # load_extraction says what is wrong with it
