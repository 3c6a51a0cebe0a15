"""What is stopped, and what has to be there at the end: one scenario is one command of a user's."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reid_fusedloss.apis import Extraction, ImageSource
from reid_fusedloss.apis.extraction import join_extractions

DIMS, BATCH = 12, 2


class Scenario(NamedTuple):
    """A command that is stopped, and given again.

    Attributes:
        prepare: makes what is there before, in an empty folder.
        run: the command, in that folder.
        result: what is there at the end, to be compared; it raises AssertionError if a file is left
            over.
        is_idle: whether the command, given once more, has to write nothing.
    """

    prepare: Callable[[Path], None]
    run: Callable[[Path], None]
    result: Callable[[Path], Any]
    is_idle: bool = True


class FileFeatures:
    """Stands in for a model: the feature of a file is made of its bytes, and always the same.

    Attributes:
        feat_dims: C.
        distance: that the features are compared by.
    """

    feat_dims, distance = DIMS, 'cosine'

    def fingerprint(self) -> Mapping[str, Any]:
        """What made the features."""
        return dict(weights='', model='', pipeline='', options={})

    def extract(self, sources: Iterable[ImageSource]) -> Iterator[Extraction]:
        """As `FeatureExtractor.extract`; a file that begins with 'broken' cannot be read."""
        sources = list(sources)
        for first in range(0, len(sources), BATCH):
            yield _extraction([source.name for source in sources[first : first + BATCH]])

    def __call__(self, sources: Iterable[ImageSource]) -> Extraction:
        return join_extractions(self.extract(sources), DIMS)


def feature_of(content: bytes) -> np.ndarray:
    """The unit feature of a file, shape (C,), float32."""
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], 'little')
    feature = np.random.default_rng(seed).normal(size=DIMS)
    return (feature / np.linalg.norm(feature)).astype(np.float32)


def write_images(folder: Path, first: int, last: int, version: int = 0) -> None:
    """Files that `FileFeatures` can read, NNNN_cC_0.png: four of a person, two cameras."""
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
