"""Scenarios: commands to stop, each with its preparation and its expected result."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from reid_fusedloss.apis import Extraction, FeatureExtractor, ImageSource
from reid_fusedloss.apis.extraction import join_extractions

DIMS, BATCH = 12, 2


class Scenario(NamedTuple):
    """A command that is stopped and run again.

    Attributes:
        prepare: sets up an empty folder.
        run: runs the command in that folder.
        result: reads the result, to be compared; raises AssertionError if a file is left over.
        is_idle: whether the finished command, run once more, must not write anything.
    """

    prepare: Callable[[Path], None]
    run: Callable[[Path], None]
    result: Callable[[Path], Any]
    is_idle: bool = True


class FileFeatures:
    """A substitute for a model that computes a file's feature from its bytes.

    Attributes:
        feat_dims: C.
        distance: that the features are compared by.
    """

    feat_dims, distance = DIMS, 'cosine'

    def fingerprint(self) -> Mapping[str, Any]:
        """See `FeatureExtractor`."""
        return dict(weights='', model='', pipeline='', options={})

    def extract(self, sources: Iterable[ImageSource]) -> Iterator[Extraction]:
        """See `FeatureExtractor`; a file that begins with 'broken' is unreadable."""
        sources = list(sources)
        for first in range(0, len(sources), BATCH):
            yield _extraction([source.name for source in sources[first : first + BATCH]])

    def __call__(self, sources: Iterable[ImageSource]) -> Extraction:
        return join_extractions(self.extract(sources), DIMS)


MODEL = cast(FeatureExtractor, FileFeatures())  # it has all that extraction and galleries use


def feature_of(content: bytes) -> np.ndarray:
    """Compute the unit feature of a file, shape (C,), float32."""
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], 'little')
    feature = np.random.default_rng(seed).normal(size=DIMS)
    return (feature / np.linalg.norm(feature)).astype(np.float32)


def write_images(folder: Path, first: int, last: int, version: int = 0) -> None:
    """Write files for `FileFeatures`, NNNN_cC_N.png: four per person, from two cameras."""
    folder.mkdir(exist_ok=True)
    for number in range(first, last):
        path = folder / f'{number // 4:04}_c{number % 2}_{number}.png'
        path.write_bytes(f'image {number} {version}'.encode())


def _extraction(names: list[str]) -> Extraction:
    contents = {name: Path(name).read_bytes() for name in names}
    unreadable = {
        name: 'broken' for name, content in contents.items() if content.startswith(b'broken')
    }
    read = [name for name in names if name not in unreadable]
    features = np.array([feature_of(contents[name]) for name in read], np.float32)
    return Extraction(features.reshape(-1, DIMS), read, unreadable)
