"""Queries of a search: one for each image, or one for each folder of images."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..apis import Extraction
from ..apis.labels import parse_labels
from ..functional import pool_features
from ..search import Entry, Gallery
from ..search.entries import with_numbers


class Queries(NamedTuple):
    """What is searched for.

    Attributes:
        features: shape (Q, C).
        entries: what is known of each; its name is its first image.
        images: of each query.
    """

    features: np.ndarray
    entries: list[Entry]
    images: list[list[str]]


def image_queries(found: Extraction, pattern: str, gallery: Gallery) -> Queries:
    """Each image is a query.

    Args:
        found: features of the images.
        pattern: of their names, see `parse_labels`.
        gallery: what is searched; labels become numbers where its labels are.
    """
    paths = [os.path.abspath(name) for name in found.names]
    labelled = [Entry(path, *parse_labels(path, pattern)) for path in paths]
    entries = with_numbers(labelled, gallery.numeric_labels())
    return Queries(found.features, entries, [[path] for path in paths])


def folder_queries(
    found: Extraction, pattern: str, gallery: Gallery, other_cameras: bool
) -> Queries:
    """The images of each folder are one query: the mean of their unit features.

    A query has the identity and the camera that all of its images have.

    Args:
        found: features of the images.
        pattern: of their names, see `parse_labels`.
        gallery: what is searched; labels become numbers where its labels are.
        other_cameras: whether entries of a query's camera are to be left out.

    Raises:
        ValueError: if an image is in the gallery, or a query has several cameras and its camera is
            to be left out.
    """
    single = image_queries(found, pattern, gallery)
    paths = [entry.name for entry in single.entries]
    inside = list(gallery.find(paths))
    if inside:
        raise ValueError(
            f'{len(inside)} query images are in the gallery, {inside[0]} for one, and their '
            'folders would find themselves: take them out of one of the two'
        )
    pooled = pool_features(found.features, [os.path.dirname(path) for path in paths])
    entries, images = [], []
    for number, first in enumerate(pooled.first):
        own = [single.entries[row] for row in np.flatnonzero(pooled.groups == number)]
        cameras = {entry.camid for entry in own}
        if other_cameras and len(cameras) > 1:
            raise ValueError(
                f'{os.path.dirname(paths[first])} has images of the cameras '
                f'{sorted(map(str, cameras))}: --other-cameras leaves out one, so make a folder '
                'for each, or leave it out'
            )
        pid, camid = (_common([getattr(entry, key) for entry in own]) for key in ('pid', 'camid'))
        entries.append(Entry(paths[first], pid, camid))
        images.append([entry.name for entry in own])
    return Queries(pooled.features.numpy(), entries, images)


def _common(labels: Sequence[int | str | None]) -> int | str | None:
    """The label that all have, else None."""
    return labels[0] if len(set(labels)) == 1 else None
