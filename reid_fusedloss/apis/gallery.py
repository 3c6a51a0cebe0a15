"""A gallery from images, or from features that are there already; brought up to date."""
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from ..checks import check_flag
from ..datasets.file_names import compile_pattern
from ..evaluation.embeddings_file import load_features
from ..npz_file import NOT_NPZ
from ..search import Entry, GalleryIndex
from ..search.entries import Entries
from .extractor import FeatureExtractor
from .feature_store import MANIFEST, load_extraction
from .query_gallery import MARKET1501 as PATTERN
from .sources import ImageSource
from .work_list import WorkList

NOBODY = '-1'  # what Market-1501 calls those that it knows nothing of
STAMP = 'file'  # key of an entry's info: size and time of change of its file


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
    """What a gallery knows the model by: all that its features depend on, in 16 digits."""
    return _digits(inferencer.fingerprint())


def _digits(made_by: Mapping[str, Any]) -> str:
    content = json.dumps(made_by, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def update_gallery(index: GalleryIndex, inferencer: FeatureExtractor,
                   inputs: Sequence[Union[str, os.PathLike]], *, pattern: Optional[str] = None,
                   recursive: bool = False, prune: bool = False) -> GalleryUpdate:
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
    wanted = [name for name, stamp in stamps.items() if known.get(name, '') != stamp]
    use_pattern(index, pattern)
    found, stopped = _extract(inferencer, wanted)
    try:
        added = _add(index, found, stamps)
    except ValueError:
        if stopped is None:
            raise
    if stopped is not None:
        raise stopped
    gone, out_of_reach = missing_files(known, work, recursive)
    stale = [name for name in found.unreadable if name in index.entries]
    index.remove(list(dict.fromkeys(stale + (gone if prune else []))))
    return GalleryUpdate([name for name in added if name not in known],
                         [name for name in added if name in known], gone, out_of_reach,
                         found.unreadable)


def is_up_to_date(index: GalleryIndex, inputs: Sequence[Union[str, os.PathLike]], *,
                  pattern: Optional[str] = None, recursive: bool = False,
                  prune: bool = False) -> bool:
    """Whether `update_gallery` would leave a gallery as it is; nothing goes through a model.

    Args:
        index, inputs, pattern, recursive, prune: see there.

    Raises:
        TypeError, FileNotFoundError, ValueError: as there, for the inputs.
    """
    work = WorkList(inputs, recursive)
    stamps, known = absolute_stamps(work), known_stamps(index)
    return (index.pattern == (pattern or index.pattern or PATTERN)
            and all(known.get(name, '') == stamp for name, stamp in stamps.items())
            and not (prune and missing_files(known, work, recursive)[0]))


def _extract(inferencer: FeatureExtractor,
             names: Sequence[str]) -> tuple[Extraction, Optional[BaseException]]:
    """Features of files, and what ended their extraction early, or None."""
    parts, stopped = [], None
    try:
        for part in inferencer.extract([ImageSource(name) for name in names]):
            parts.append(part)
    except (Exception, KeyboardInterrupt) as error:
        stopped = error
    return join_extractions(parts, inferencer.feat_dims), stopped


def _add(index: GalleryIndex, found: Extraction, stamps: Mapping[str, str]) -> list[str]:
    labels = [parse_labels(name, index.pattern) for name in found.names]
    return index.add(found.features, found.names, pids=[pid for pid, _ in labels],
                     camids=[camid for _, camid in labels],
                     infos=[{STAMP: stamps[name]} if name in stamps else None
                            for name in found.names], duplicates='replace')


def use_pattern(index: GalleryIndex, pattern: Optional[str]) -> None:
    """Let a gallery read its labels by a pattern; None: by its own, or Market-1501's."""
    if pattern is not None and pattern != index.pattern:
        relabel(index, pattern)
    index.pattern = index.pattern or PATTERN


def relabel(index: GalleryIndex, pattern: str) -> None:
    """Read the labels of the entries that came from files out of their names again.

    Args:
        index: it keeps the pattern too.
        pattern: see `parse_labels`.

    Raises:
        TypeError, ValueError: as `compile_pattern`.
    """
    compile_pattern(pattern)
    index.relabel(lambda entry: Entry(entry.name, *parse_labels(entry.name, pattern), entry.info)
                  if (entry.info or {}).get(STAMP) else entry)
    index.pattern = pattern


def parse_labels(path: str, pattern: str = PATTERN) -> tuple[Optional[str], Optional[str]]:
    """Identity and camera out of the name of a file, as strings; None for what it does not say.

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
    return None if pid == NOBODY else pid, groups.get('camid') or None


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
    return _digits(json.loads(Path(path, MANIFEST).read_text(encoding='utf-8'))['made_by'])


def _is_test_set(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    try:
        with np.load(path, allow_pickle=False) as file:
            return 'gallery_f' in file
    except NOT_NPZ:
        return False  # load_extraction says what is wrong with it
