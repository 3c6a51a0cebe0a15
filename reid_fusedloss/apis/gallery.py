"""A gallery from images, or from features that are there already; brought up to date."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checks import check_flag
from ..datasets.file_names import warn_of_misfits
from ..evaluation.embeddings_file import load_features
from ..npz_file import NOT_NPZ
from ..search import GalleryIndex
from .extraction import Extraction, join_extractions
from .extractor import FeatureExtractor
from .feature_folder import MANIFEST, load_extraction, load_stamps
from .fingerprint import digits_of
from .gallery_files import STAMP, absolute_stamps, changed_files, known_stamps, missing_files
from .labels import PATTERN, parse_labels, use_pattern
from .sources import ImageSource
from .work_list import WorkList

SOURCE = 'source'  # key of an entry's info: the state of what is no file of its own, as a crop
IMAGE_STAMP = re.compile(r'\d+ \d+')  # of a file; that of a crop of a video has its box too


@dataclass(frozen=True)
class GalleryUpdate:
    """What an update found; names are absolute paths.

    Attributes:
        added: new images.
        changed: images whose file is another now.
        gone: entries inside the inputs whose file is no longer there; pruned, if that was asked.
        out_of_reach: entries whose file is not there either, but may come back: they lie outside
            the inputs, or their folder is empty, as that of a disk that is not mounted.
        unreadable: name -> reason, of images that could not be read; they are tried again at each
            update.
    """

    added: list[str]
    changed: list[str]
    gone: list[str]
    out_of_reach: list[str]
    unreadable: dict[str, str]


def model_id(inferencer: FeatureExtractor) -> str:
    """What a gallery knows the model by: all that its features depend on, see `digits_of`.

    Raises:
        ValueError: if the model's test ranks by another distance than a gallery.
    """
    if inferencer.distance != 'cosine':
        raise ValueError(
            f"the model's test ranks by {inferencer.distance} distance, a gallery by "
            'the cosine, which gives another order: to search by the cosine all the '
            'same, --cfg-options test_evaluator.distance=cosine, for an exported file '
            'when it is exported'
        )
    return digits_of(inferencer.fingerprint())


def update_gallery(
    index: GalleryIndex,
    inferencer: FeatureExtractor,
    inputs: Sequence[str | os.PathLike],
    *,
    pattern: str | None = None,
    recursive: bool = False,
    prune: bool = False,
) -> GalleryUpdate:
    """Bring a gallery up to date with its images; only what is new or changed goes through a model.

    A file has changed if it has another size or time of change. An entry whose file has become
    unreadable is removed. Entries that did not come from a file are left alone. Nothing is saved.
    What ends an extraction early, such as Ctrl-C, is raised when the images that are done are in
    the gallery.

    Args:
        index: the gallery; entries are named by the absolute paths of their files.
        inferencer: makes the features.
        inputs: paths of images, folders, globs and list files.
        pattern: see `parse_labels`; another one than the gallery's is applied to the names that
            are there too. None: the gallery's, or Market-1501's if it has none.
        recursive: look into the folders of folders too.
        prune: remove entries inside the inputs whose file is no longer there.

    Raises:
        TypeError: if the inputs are one path.
        FileNotFoundError, ValueError: if an input does not exist or holds no image, the pattern is
            wrong, or the gallery is of another model.
    """
    check_flag('prune', prune)
    index.check_model(model_id(inferencer))
    work = WorkList(inputs, recursive)
    stamps, known = absolute_stamps(work), known_stamps(index)
    wanted = changed_files(known, stamps)
    use_pattern(index, pattern)
    warn_of_misfits(stamps, index.pattern)
    found, stopped = _extract(inferencer, wanted)
    try:
        added = _add(index, found, {name: {STAMP: stamps[name]} for name in found.names})
    except ValueError:
        if stopped is None:
            raise
    if stopped is not None:
        raise stopped
    gone, out_of_reach = missing_files(known, work, recursive)
    stale = [name for name in found.unreadable if name in index.entries and os.path.exists(name)]
    index.remove(list(dict.fromkeys(stale + (gone if prune else []))))
    return GalleryUpdate(
        [name for name in added if name not in known],
        [name for name in added if name in known],
        gone,
        out_of_reach,
        found.unreadable,
    )


def plan_update(
    index: GalleryIndex, inputs: Sequence[str | os.PathLike], recursive: bool = False
) -> GalleryUpdate:
    """What `update_gallery` would do if all images can be read; nothing goes through a model.

    Args:
        index, inputs, recursive: see there.

    Raises:
        TypeError, FileNotFoundError, ValueError: as there, for the inputs.
    """
    work = WorkList(inputs, recursive)
    stamps, known = absolute_stamps(work), known_stamps(index)
    wanted = changed_files(known, stamps)
    return GalleryUpdate(
        [name for name in wanted if name not in known],
        [name for name in wanted if name in known],
        *missing_files(known, work, recursive),
        {},
    )


def _extract(
    inferencer: FeatureExtractor, names: Sequence[str]
) -> tuple[Extraction, BaseException | None]:
    """Features of files, and what ended their extraction early, or None."""
    parts, stopped = [], None
    try:
        for part in inferencer.extract([ImageSource(name) for name in names]):
            parts.append(part)
    except (Exception, KeyboardInterrupt) as error:
        stopped = error
    return join_extractions(parts, inferencer.feat_dims), stopped


def _add(
    index: GalleryIndex, found: Extraction, infos: Mapping[str, dict[str, str] | None]
) -> list[str]:
    labels = [parse_labels(name, index.pattern) for name in found.names]
    return index.add(
        found.features,
        found.names,
        pids=[pid for pid, _ in labels],
        camids=[camid for _, camid in labels],
        infos=[infos[name] for name in found.names],
        duplicates='replace',
    )


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
        raise ValueError(f'{path} holds no features')
    return index


def update_from_features(index: GalleryIndex, path: str, pattern: str | None = None) -> list[str]:
    """Bring a gallery up to date with features that are on the disk; nothing is saved.

    Entries of files are those that `update_gallery` would make: with the same images it finds
    nothing to do.

    Args:
        index: the gallery.
        path: folder or file of tools/extract_features.py.
        pattern: see `update_gallery`.

    Returns:
        Names of the entries that are new or changed.

    Raises:
        FileNotFoundError, ValueError: if there are no such features, or they are of another model.
    """
    index.check_model(_maker(path))
    found = load_extraction(path)
    stamps = load_stamps(path) if os.path.isdir(path) else {}
    names = [os.path.abspath(name) if os.path.isfile(name) else name for name in found.names]
    infos = {name: _info(name, stamps.get(old)) for name, old in zip(names, found.names)}
    use_pattern(index, pattern)
    warn_of_misfits(found.names, index.pattern)
    known = {entry.name: entry.info for entry in index.entries}
    rows = [
        row for row, name in enumerate(names) if name not in known or known[name] != infos[name]
    ]
    return _add(index, Extraction(found.features[rows], [names[row] for row in rows], {}), infos)


def _info(name: str, stamp: str | None) -> dict[str, str] | None:
    is_file = os.path.isabs(name) and IMAGE_STAMP.fullmatch(stamp or '')
    return None if stamp is None else {STAMP if is_file else SOURCE: stamp}


def _maker(path: str) -> str | None:
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
