"""Choose replacements for an image that cannot be read."""

from collections.abc import Iterator

import numpy as np


def stand_ins(labels: np.ndarray, idx: int, most: int) -> Iterator[int]:
    """Yield an image, then its replacements, without random numbers: reruns choose the same.

    Args:
        labels: identities of all images, shape (N,).
        idx: place of the image.
        most: images to name in all.

    Yields:
        `idx`, the images of its identity that follow it, cyclically, and then those of the
        identities that follow, in the order of their labels.
    """
    yield int(idx)  # no search until the image is known to be corrupt
    own = np.flatnonzero(labels == labels[idx])
    yield from np.roll(own, -int(np.searchsorted(own, idx)))[1:most].tolist()
    others = np.argsort(labels, kind='stable')
    start = int(np.searchsorted(labels[others], labels[idx], side='right'))
    others = np.roll(others, -start)[: len(labels) - len(own)]
    yield from others[: max(most - len(own), 0)].tolist()
