"""Build a gallery from images or existing features, and update it."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checks import check_flag
from ..datasets.file_names import warn_of_misfits
from ..evaluation.embeddings_file import load_features
from ..npz_file import NOT_NPZ
from ..search import Gallery, GalleryIndex
from .extraction import Extraction
from .extractor import FeatureExtractor
from .feature_folder import MANIFEST, load_extraction, load_stamps
from .fingerprint import digits_of
from .gallery_additions import add_images, add_labelled
from .gallery_files import STAMP, absolute_stamps, changed_files, known_stamps, missing_files
from .labels import PATTERN, use_pattern
from .work_list import WorkList

SOURCE = 'source'  # key of an entry's info: the state of something without a file, such as a crop
IMAGE_STAMP = re.compile(r'\d+ \d+')  # of a file; the stamp of a video's crop has its box too


@dataclass(frozen=True)
class GalleryUpdate:
    """Result of an update; names are absolute paths.

    Attributes:
        added: new images.
        changed: images whose file has changed.
        gone: entries inside the inputs whose file no longer exists; removed with `prune`.
        out_of_reach: entries whose file is missing but may come back: they are outside the inputs,
            or their folder is empty, like that of a disk that is not mounted.
        unreadable: name -> reason, of images that could not be read; each update tries them again.
    """

    added: list[str]
    changed: list[str]
    gone: list[str]
    out_of_reach: list[str]
    unreadable: dict[str, str]


def model_id(inferencer: FeatureExtractor) -> str:
    """Return the id by which a gallery identifies a model, see `digits_of`.

    Raises:
        ValueError: if the model's test does not rank by cosine distance, as a gallery does.
    """
    if inferencer.distance != 'cosine':
        raise ValueError(
            f"the model's test ranks by {inferencer.distance} distance, a gallery by cosine "
            'distance, which gives another order: to use cosine distance nevertheless, set '
            '--cfg-options test_evaluator.distance=cosine, for an exported file at its export'
        )
    return digits_of(inferencer.fingerprint())


def update_gallery(
    index: Gallery,
    inferencer: FeatureExtractor,
    inputs: Sequence[str | os.PathLike],
    *,
    pattern: str | None = None,
    recursive: bool = False,
    prune: bool = False,
) -> GalleryUpdate:
    """Update a gallery from images; only new and changed images go through the model.

    A file has changed if its size or modification time differs. An entry whose file has become
    unreadable is removed. Entries that did not come from a file are not touched. Nothing is saved.
    An interruption such as Ctrl-C is raised once the finished images are in the gallery. A gallery
    on a server gets the images as they are done, and is not searched for missing files unless they
    are to be removed: others fill it too, from their own disks.

    Args:
        index: the gallery; entries are named by the absolute paths of their files.
        inferencer: computes the features.
        inputs: paths of images, folders, globs and list files.
        pattern: see `parse_labels`; a pattern other than the gallery's is applied to existing
            names too. None: the gallery's, or Market-1501's if it has none.
        recursive: search subfolders too.
        prune: remove entries inside the inputs whose file no longer exists.

    Raises:
        TypeError: if the inputs are a single path.
        FileNotFoundError, ValueError: if an input does not exist or has no image, the pattern is
            invalid, or the gallery is of another model.
    """
    check_flag('prune', prune)
    index.check_model(model_id(inferencer))
    work = WorkList(inputs, recursive)
    stamps = absolute_stamps(work)
    known = known_stamps(index.find(stamps).values())
    wanted = changed_files(known, stamps)
    pattern = use_pattern(index, pattern)
    warn_of_misfits(stamps, pattern)
    added, unreadable = add_images(
        index, inferencer, {name: stamps[name] for name in wanted}, pattern
    )
    gone: list[str] = []
    out_of_reach: list[str] = []
    if prune or not index.on_server:
        gone, out_of_reach = missing_files(_missing_stamps(index), work, recursive)
    stale = [name for name in index.find(unreadable) if os.path.exists(name)]
    index.remove(list(dict.fromkeys(stale + (gone if prune else []))))
    return GalleryUpdate(
        [name for name in added if name not in known],
        [name for name in added if name in known],
        gone,
        out_of_reach,
        unreadable,
    )


def plan_update(
    index: Gallery, inputs: Sequence[str | os.PathLike], recursive: bool = False
) -> GalleryUpdate:
    """Return what `update_gallery` would do if all images can be read, without using a model.

    Args:
        index, inputs, recursive: see `update_gallery`.

    Raises:
        TypeError, FileNotFoundError, ValueError: as `update_gallery`, for the inputs.
    """
    work = WorkList(inputs, recursive)
    stamps = absolute_stamps(work)
    known = known_stamps(index.find(stamps).values())
    wanted = changed_files(known, stamps)
    return GalleryUpdate(
        [name for name in wanted if name not in known],
        [name for name in wanted if name in known],
        *missing_files(_missing_stamps(index), work, recursive),
        {},
    )


def _missing_stamps(index: Gallery) -> dict[str, str | None]:
    return known_stamps(entry for entry in index.entries if not os.path.exists(entry.name))


def gallery_of_features(path: str, pattern: str = PATTERN) -> GalleryIndex:
    """Build an exact index of features on disk; only a folder of features names its model.

    Args:
        path: output of tools/extract_features.py, a file or a folder, with identities in the names
            of its images; or an .npz file of tools/test.py --save-features, whose gallery is used
            with its labels and the names 'gallery 0', 'gallery 1', ...
        pattern: see `parse_labels`.

    Raises:
        FileNotFoundError, ValueError: if there are no such features.
    """
    if _is_test_set(path):
        features = load_features(path)
        index = GalleryIndex(features.gallery.shape[1])
        camids = features.gallery_camids
        index.add(
            features.gallery,
            [f'gallery {row}' for row in range(len(features.gallery))],
            pids=features.gallery_pids.tolist(),
            camids=None if camids is None else camids.tolist(),
        )
        return index
    index = GalleryIndex(load_extraction(path).features.shape[1], model=_maker(path))
    update_from_features(index, path, pattern)
    if not len(index):
        raise ValueError(f'{path} has no features: extract the features of some images first')
    return index


def update_from_features(index: Gallery, path: str, pattern: str | None = None) -> list[str]:
    """Update a gallery with features on disk; nothing is saved.

    Entries of files are the same as those of `update_gallery`, which then finds nothing to do.

    Args:
        index: the gallery.
        path: folder or file of tools/extract_features.py.
        pattern: see `update_gallery`.

    Returns:
        Names of the new and changed entries.

    Raises:
        FileNotFoundError, ValueError: if there are no such features, or they are of another model.
    """
    index.check_model(_maker(path))
    found = load_extraction(path)
    stamps = load_stamps(path) if os.path.isdir(path) else {}
    names = [os.path.abspath(name) if os.path.isfile(name) else name for name in found.names]
    infos = {name: _info(name, stamps.get(old)) for name, old in zip(names, found.names)}
    pattern = use_pattern(index, pattern)
    warn_of_misfits(found.names, pattern)
    known = {entry.name: entry.info for entry in index.find(names).values()}
    rows = [
        row for row, name in enumerate(names) if name not in known or known[name] != infos[name]
    ]
    changed = Extraction(found.features[rows], [names[row] for row in rows], {})
    return add_labelled(index, changed, infos, pattern)


def _info(name: str, stamp: str | None) -> dict[str, str] | None:
    is_file = os.path.isabs(name) and IMAGE_STAMP.fullmatch(stamp or '')
    return None if stamp is None else {STAMP if is_file else SOURCE: stamp}


def _maker(path: str) -> str | None:
    """Return the `model_id` of the model of a folder of features; None for a file."""
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
        return False  # load_extraction reports what is wrong with it
