"""Embeddings of a test set in a file, to evaluate and draw them without the model."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from ..npz_file import NOT_NPZ
from ..registry import METRICS
from ..whole_file import PathLike, whole_file
from .by_set import split_by_set
from .embeddings import EmbeddingMetric, EmbeddingTable
from .ranking_lists import split_parts

CAMERA_KEYS = ('query_cam', 'gallery_cam')
KEYS = ('query_f', 'gallery_f', 'query_label', 'gallery_label')


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
    """

    query: np.ndarray
    gallery: np.ndarray
    query_pids: np.ndarray
    gallery_pids: np.ndarray
    query_camids: np.ndarray | None = None
    gallery_camids: np.ndarray | None = None

    @property
    def labels(self) -> tuple:
        """Identities and cameras in the order of the ranking functions' arguments."""
        return self.query_pids, self.gallery_pids, self.query_camids, self.gallery_camids


def load_features(path: PathLike) -> FeatureSet:
    """Read a file of `save_features`, or any of its layout.

    Args:
        path: .npz file with query_f (Q, C), gallery_f (G, C), query_label, gallery_label and,
            where there are cameras, query_cam and gallery_cam.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no .npz file, or torn, or an array is missing, or lengths differ.
    """
    with _open(path) as file:
        missing = [key for key in KEYS if key not in file]
        missing += [
            key
            for key in CAMERA_KEYS
            if key not in file and any(other in file for other in CAMERA_KEYS)
        ]
        if missing:
            raise ValueError(f'{path} lacks {missing}; it has {sorted(file)}')
        try:
            arrays = {key: file[key] for key in (*KEYS, *CAMERA_KEYS) if key in file}
        except NOT_NPZ as error:
            raise ValueError(f'{path} cannot be read: {error}') from None
    for role in ('query', 'gallery'):
        shapes = {key: value.shape for key, value in arrays.items() if key.startswith(role)}
        if len(shapes[f'{role}_f']) != 2 or len({shape[0] for shape in shapes.values()}) > 1:
            raise ValueError(f'{path}: expected features (N, C) and N labels, got {shapes}')
    return FeatureSet(*(arrays.get(key) for key in (*KEYS, *CAMERA_KEYS)))


def save_features(path: PathLike, table: EmbeddingTable) -> None:
    """Write the features that are ranked (the table's first) and their labels, whole or not at all.

    Args:
        path: .npz file; its folder is made.
        table: query and gallery of a test set.

    Raises:
        ValueError: if query or gallery is empty, or only some images have a camera.
    """
    features = next(iter(table.features.values()))
    arrays: dict[str, Any] = {}
    for role, part in zip(('query', 'gallery'), split_parts(table)):
        arrays |= {f'{role}_f': part.take(features), f'{role}_label': np.array(part.pids)}
        if _has_cameras(table):
            arrays[f'{role}_cam'] = np.array(part.camids)
    with whole_file(Path(path)) as file:
        np.savez(file, **arrays)


@METRICS.register_module()
class SaveEmbeddings(EmbeddingMetric):
    """Write the embeddings of a test set to a file; reports no number.

    Stands alone as `test_evaluator`, or in a list beside `ReIDMetric`. Of a `JointReIDDataset` each
    set has its own file, `features_market1501.npz` for `features.npz`.

    Args:
        path: .npz file to write, see `load_features`.

    Raises:
        TypeError: if it is no path.
        ValueError: if the name does not end in .npz.
    """

    def __init__(self, path: str) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f'path is an .npz file to write, got {path!r}')
        if Path(path).suffix != '.npz':
            raise ValueError(f'features are written to an .npz file, got {path!r}')
        super().__init__()
        self.path = Path(path)

    def evaluate(self, size: int) -> dict[str, float]:
        """Write all processes' embeddings, on the first; called by MMEngine.

        Raises:
            ValueError: as `save_features`; on every process, so that none waits for another.
        """
        table = self.store.gather(size)
        problem: list[Exception | None] = [None]
        if is_main_process():
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
        sets = [(f'_{name}', part) for name, part, _ in split_by_set(results, self.dataset_meta)]
        for end, table in sets or [('', results)]:
            path = self.path.with_stem(self.path.stem + end + self.variant)
            save_features(path, table)
            print_log(
                f'features of {len(table.columns["pid"])} images written to {path}',
                logger='current',
            )
        return {}


def _open(path: PathLike) -> np.lib.npyio.NpzFile:
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(f'no features at {path}: check the path') from None
    except NOT_NPZ as error:
        raise ValueError(f'{path} is no .npz file of features: {error}') from None
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise ValueError(f'{path} holds one array, expected an .npz file with {list(KEYS)}')
    return file


def _has_cameras(table: EmbeddingTable) -> bool:
    camids = table.columns['camid']
    unknown = camids.count(None)
    if unknown not in (0, len(camids)):
        raise ValueError(f'{unknown} of {len(camids)} images have no camera: give all one, or none')
    return not unknown
