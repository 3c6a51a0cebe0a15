"""Features for the benchmark: read from a file, or drawn like those of a real data set."""

from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

import numpy as np

from reid_fusedloss.evaluation import FeatureSet, load_features


class Inputs(FeatureSet):
    """Query and gallery features (Q, C) and (G, C), float32, with their identities and cameras."""

    @property
    def labels(self) -> tuple[Any, ...]:
        """Identities and cameras, which all have."""
        return super().labels

    @property
    def num_pairs(self) -> int:
        """Q x G."""
        return len(self.query) * len(self.gallery)

    @property
    def num_images(self) -> int:
        """N = Q + G."""
        return len(self.query) + len(self.gallery)

    def describe(self) -> str:
        """Describe the sizes in one line."""
        ids, cameras = (len(np.unique(part)) for part in self.labels[1::2])
        return (
            f'{len(self.query):,} queries x {len(self.gallery):,} gallery images, '
            f'N = {self.num_images:,}, dim {self.query.shape[1]}, {ids:,} gallery identities, '
            f'{cameras} cameras'
        )


@dataclass(frozen=True)
class Size:
    """Sizes of a data set; distractors are gallery images of pid 0, each of a different person."""

    num_queries: int
    num_gallery: int
    num_ids: int
    num_cameras: int
    num_distractors: int = 0


SIZES = {
    'market': Size(3368, 15913, 750, 6, 2798),
    'duke': Size(2228, 17661, 702, 8),
    'msmt17': Size(11659, 82161, 3060, 15),
}


def parse_size(text: str) -> Size:
    """Parse a data set's name, or QxG with about 25 images per identity and 6 cameras.

    Raises:
        ValueError: if the text is neither.
    """
    if text in SIZES:
        return SIZES[text]
    parts = text.split('x')
    if len(parts) != 2 or not all(part.isdigit() and int(part) for part in parts):
        raise ValueError(
            f'--size must be one of {sorted(SIZES)} or QxG such as 200x1000, got {text!r}'
        )
    num_queries, num_gallery = map(int, parts)
    return Size(num_queries, num_gallery, max(2, (num_queries + num_gallery) // 25), 6)


def load(path: Path) -> Inputs:
    """Read a file of features with cameras, see `load_features`.

    Raises:
        ValueError: if an array is missing.
    """
    found = load_features(path)
    if found.query_camids is None:
        raise ValueError(f'{path} lacks the arrays query_cam and gallery_cam')
    query, gallery = (each.astype(np.float32, copy=False) for each in (found.query, found.gallery))
    return Inputs(query, gallery, *found.labels)


def synthetic(size: Size, dim: int, seed: int = 0) -> Inputs:
    """Draw features that reach an mAP of about 75 %.

    A feature is the sum of its identity's centre, its camera's offset and noise, in at most 64
    dimensions that are rotated into all dimensions, plus a little noise in every dimension and a
    random length. The noise shrinks with the logarithm of the number of identities, which keeps
    mAP between 60 and 80 % from Market-1501's size to MSMT17's.

    Args:
        size: numbers of images, identities, cameras and distractors.
        dim: width of the features.
        seed: of the random generator; equal arguments give equal features.
    """
    rng = np.random.default_rng(seed)
    width = min(dim, 64)
    rotation = np.linalg.qr(rng.standard_normal((dim, width)))[0].T.astype(np.float32)
    centres = rng.standard_normal((size.num_ids + 1, width), np.float32)
    offsets = 0.3 * rng.standard_normal((size.num_cameras, width), np.float32)
    noise = 1.5 - 0.19 * log10(size.num_ids)

    def images(number: int, num_distractors: int) -> tuple[Any, ...]:
        pids = np.arange(number) % size.num_ids + 1
        pids[number - num_distractors :] = 0
        camids = rng.integers(0, size.num_cameras, number)
        features = np.empty((number, dim), np.float32)
        for rows in np.array_split(np.arange(number), number // 4096 + 1):
            latent = offsets[camids[rows]] + np.where(
                pids[rows, None] > 0,
                centres[pids[rows]],
                rng.standard_normal((len(rows), width), np.float32),
            )
            spread = noise * np.exp(0.3 * rng.standard_normal((len(rows), 1), np.float32))
            latent += spread * rng.standard_normal((len(rows), width), np.float32)
            features[rows] = latent @ rotation
            features[rows] += (
                0.2 * (width / dim) ** 0.5 * rng.standard_normal((len(rows), dim), np.float32)
            )
            features[rows] *= np.exp(0.2 * rng.standard_normal((len(rows), 1), np.float32))
        return features, pids, camids

    query, gallery = images(size.num_queries, 0), images(size.num_gallery, size.num_distractors)
    return Inputs(*(part for pair in zip(query, gallery) for part in pair))


def whole_identities(inputs: Inputs, limit: int, seed: int = 0) -> Inputs:
    """Select all images of some identities that have a query, at most `limit` images.

    Raises:
        ValueError: if no identity with a query and a gallery image fits.
    """
    if inputs.num_images <= limit:
        return inputs
    pids = np.intersect1d(inputs.query_pids, inputs.gallery_pids)
    chosen: list = []
    left = limit
    for pid in np.random.default_rng(seed).permutation(pids):
        number = int((inputs.query_pids == pid).sum() + (inputs.gallery_pids == pid).sum())
        if number <= left:
            chosen.append(pid)
            left -= number
    if not chosen:
        raise ValueError(f'no identity has at most {limit} images: use a larger limit')
    rows = np.isin(inputs.query_pids, chosen), np.isin(inputs.gallery_pids, chosen)
    arrays: list[Any] = [inputs.query, inputs.gallery, *inputs.labels]
    return Inputs(*(array[rows[number % 2]] for number, array in enumerate(arrays)))
