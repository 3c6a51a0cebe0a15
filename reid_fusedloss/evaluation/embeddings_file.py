"""Save the embeddings of a test set, to evaluate and plot them without the model."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import broadcast_object_list

from ..checks import check_flag
from ..functional.ranking.protocols import make_protocol
from ..logs import log
from ..npz_file import NOT_NPZ
from ..registry import METRICS
from ..whole_file import PathLike, whole_file
from .by_set import split_by_set
from .embeddings import LABEL_KEYS, EmbeddingMetric, EmbeddingTable
from .ranking_lists import IMAGE, split_parts

CAMERA_KEYS = ('query_cam', 'gallery_cam')
KEYS = ('query_f', 'gallery_f', 'query_label', 'gallery_label')
FURTHER = (*LABEL_KEYS, IMAGE)  # labels that a file may have, query_clothes and gallery_clothes


@dataclass(frozen=True)
class FeatureSet:
    """Features of query and gallery with their labels.

    Attributes:
        query: features, shape (Q, C).
        gallery: features, shape (G, C).
        query_pids: identities, shape (Q,), integers or strings.
        gallery_pids: identities, shape (G,).
        query_camids: cameras, shape (Q,), or None: the data has none.
        gallery_camids: cameras, shape (G,), or None.
        query_labels: further labels by name, `clothes`, `track` and `image` (a number for each
            image file), shape (Q,), where the data has them.
        gallery_labels: the same of the gallery, shape (G,).
    """

    query: np.ndarray
    gallery: np.ndarray
    query_pids: np.ndarray
    gallery_pids: np.ndarray
    query_camids: np.ndarray | None = None
    gallery_camids: np.ndarray | None = None
    query_labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    gallery_labels: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Identities and cameras in the order of the ranking functions' arguments."""
        return self.query_pids, self.gallery_pids, self.query_camids, self.gallery_camids


def load_features(path: PathLike) -> FeatureSet:
    """Read a file of `save_features`, or any of its layout.

    Args:
        path: .npz file with query_f (Q, C), gallery_f (G, C), query_label, gallery_label and,
            where there are cameras, query_cam and gallery_cam; likewise query_clothes, query_track,
            query_image and those of the gallery.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is not an .npz file, or truncated, an array is missing, or lengths differ.
    """
    with _open(path) as file:
        missing = [key for key in KEYS if key not in file]
        pairs = [CAMERA_KEYS, *((f'query_{name}', f'gallery_{name}') for name in FURTHER)]
        for pair in pairs:
            there = [key for key in pair if key in file]
            missing += [key for key in pair if there and key not in there]
        if missing:
            raise ValueError(f'{path} lacks {missing}; it has {sorted(file)}')
        try:
            wanted = [*KEYS, *(key for pair in pairs for key in pair)]
            arrays = {key: file[key] for key in wanted if key in file}
        except NOT_NPZ as error:
            raise ValueError(f'{path} cannot be read: {error}') from None
    for role in ('query', 'gallery'):
        shapes = {key: value.shape for key, value in arrays.items() if key.startswith(role)}
        if len(shapes[f'{role}_f']) != 2 or len({shape[0] for shape in shapes.values()}) > 1:
            raise ValueError(f'{path}: expected features (N, C) and N labels, got {shapes}')
    further = [
        {name: arrays[f'{role}_{name}'] for name in FURTHER if f'{role}_{name}' in arrays}
        for role in ('query', 'gallery')
    ]
    query, gallery, query_pids, gallery_pids = (arrays[key] for key in KEYS)
    query_cams, gallery_cams = (arrays.get(key) for key in CAMERA_KEYS)
    return FeatureSet(
        query, gallery, query_pids, gallery_pids, query_cams, gallery_cams, further[0], further[1]
    )


def save_features(path: PathLike, table: EmbeddingTable, one_set: bool = False) -> None:
    """Write the features that are ranked (the table's first) and their labels, whole or not at all.

    Args:
        path: .npz file; its folder is made.
        table: query and gallery of a test set.
        one_set: queries and gallery are the same images, see `split_parts`; the file has the label
            `image` then, which tells which is which.

    Raises:
        ValueError: if query or gallery is empty, or only some images have a camera.
    """
    features = next(iter(table.features.values()))
    arrays: dict[str, Any] = {}
    for role, part in zip(('query', 'gallery'), split_parts(table, one_set)):
        arrays |= {f'{role}_f': part.take(features), f'{role}_label': np.array(part.pids)}
        if _has_cameras(table):
            arrays[f'{role}_cam'] = np.array(part.camids)
        for name, labels in part.labels.items():
            if name != IMAGE or one_set:
                arrays[f'{role}_{name}'] = labels
    with whole_file(Path(path)) as file:
        np.savez(file, **arrays)


@METRICS.register_module()
class SaveEmbeddings(EmbeddingMetric):
    """Write the embeddings of a test set to a file; reports no number.

    Use it as the only `test_evaluator`, or in a list with `ReIDMetric`. Of a `JointReIDDataset`
    each set has its own file, `features_market1501.npz` for `features.npz`.

    Args:
        path: .npz file to write, see `load_features`.
        one_set: whether queries and gallery are the same images, as by the protocols
            'leave_one_out' and 'vehicleid'. None: as the data set's protocol says.

    Raises:
        TypeError: if it is no path.
        ValueError: if the name does not end in .npz.
    """

    def __init__(self, path: str, one_set: bool | None = None) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f'path is an .npz file to write, got {path!r}')
        if Path(path).suffix != '.npz':
            raise ValueError(f'features are written to an .npz file, got {path!r}')
        if one_set is not None:
            check_flag('one_set', one_set)
        super().__init__()
        self.path, self.one_set = Path(path), one_set

    def evaluate(self, size: int) -> dict[str, float]:
        """Write all processes' embeddings, on the first; called by MMEngine.

        Raises:
            ValueError: as `save_features`; on every process, so that none waits for another.
        """
        table = self.store.gather(size)
        problem: list[Exception | None] = [None]
        if table is not None:
            try:
                self.compute_metrics(table)
            except Exception as error:
                problem = [error]
        broadcast_object_list(problem)
        if problem[0] is not None:
            raise problem[0]
        return {}

    def compute_metrics(self, results: EmbeddingTable) -> dict[str, float]:
        """Write the table of all images."""
        meta = self.dataset_meta or {}
        sets = [
            (f'_{name}', part, meta['sets'][name]) for name, part, _ in split_by_set(results, meta)
        ]
        for end, table, facts in sets or [('', results, meta)]:
            path = self.path.with_stem(self.path.stem + end + self.variant)
            one_set = make_protocol(facts.get('protocol') or 'same_camera').one_set
            save_features(path, table, one_set if self.one_set is None else self.one_set)
            log(f'features of {len(table.columns["pid"])} images written to {path}')
        return {}


def _open(path: PathLike) -> np.lib.npyio.NpzFile:
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(f'no features at {path}: check the path') from None
    except NOT_NPZ as error:
        raise ValueError(f'{path} is not an .npz file of features: {error}') from None
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise ValueError(f'{path} holds one array, expected an .npz file with {list(KEYS)}')
    return file


def _has_cameras(table: EmbeddingTable) -> bool:
    camids = table.columns['camid']
    unknown = camids.count(None)
    if unknown not in (0, len(camids)):
        raise ValueError(f'{unknown} of {len(camids)} images have no camera: give all one, or none')
    return not unknown
