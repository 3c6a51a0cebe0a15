"""Query and gallery of a test set, and its ranking lists as plain data."""

from typing import Any, NamedTuple

import numpy as np

from ..functional.ranking.ranking_result import RankingResult
from .embeddings import LABEL_KEYS, EmbeddingTable

IMAGE = 'image'


class Part(NamedTuple):
    """Query or gallery: rows of the table and their labels.

    Attributes:
        rows: of the table.
        pids: identities.
        camids: cameras, None where there is none.
        paths: of the images.
        labels: further labels that all images of the table have, by name, and `image`, a number
            for each image file.
    """

    rows: np.ndarray
    pids: list[Any]
    camids: list[Any]
    paths: list[str]
    labels: dict[str, np.ndarray]

    def take(self, features: np.ndarray) -> np.ndarray:
        """Return its rows of the table's features; a view if they are contiguous."""
        first, last = self.rows[0], self.rows[-1]
        together = last - first + 1 == len(self.rows)
        return features[first : last + 1] if together else features[self.rows]

    def describe(self, number: int) -> dict[str, Any]:
        """Path, identity and camera of an image."""
        return dict(img_path=self.paths[number], pid=self.pids[number], camid=self.camids[number])


def split_parts(table: EmbeddingTable, one_set: bool = False) -> tuple[Part, Part]:
    """Split a test set into query and gallery.

    Args:
        table: all images.
        one_set: queries and gallery are the same images; where the table has only one of the two,
            its images are both.

    Raises:
        ValueError: if one of them is empty.
    """
    is_query = np.array(table.columns['is_query'], dtype=bool)
    chosen = [np.flatnonzero(is_query), np.flatnonzero(~is_query)]
    if one_set and not all(map(len, chosen)):
        chosen = [np.arange(len(is_query))] * 2
    if not all(map(len, chosen)):
        raise ValueError(
            f'{len(chosen[0])} query and {len(chosen[1])} gallery images: the '
            "evaluated data set is not a ReID test split (split='test')"
        )
    labels = {
        key: np.array(table.columns[key])
        for key in LABEL_KEYS
        if None not in table.columns.get(key, [None])
    }
    paths = np.array(table.columns['img_path'])
    names = paths if all(paths) else np.array(table.columns['sample_idx'])
    labels[IMAGE] = np.unique(names, return_inverse=True)[1]
    query, gallery = (_part(table, labels, rows) for rows in chosen)
    return query, gallery


def _part(table: EmbeddingTable, labels: dict[str, np.ndarray], rows: np.ndarray) -> Part:
    pids, camids, paths = (
        [table.columns[key][row] for row in rows] for key in ('pid', 'camid', 'img_path')
    )
    return Part(rows, pids, camids, paths, {key: column[rows] for key, column in labels.items()})


def cameras(
    query: Part, gallery: Part, use_cameras: bool = True
) -> tuple[list[Any] | None, list[Any] | None]:
    """Return the cameras of both parts; None twice if there are none or they are not used.

    Raises:
        ValueError: if only some images have one.
    """
    camids, paths = query.camids + gallery.camids, query.paths + gallery.paths
    unknown = camids.count(None)
    if use_cameras and unknown not in (0, len(camids)):
        raise ValueError(
            f'{unknown} images have no camera, {paths[camids.index(None)]} for '
            'one, but others have: give all a camera, or set use_cameras=False'
        )
    return (None, None) if unknown or not use_cameras else (query.camids, gallery.camids)


def describe(result: RankingResult, query: Part, gallery: Part) -> list[dict[str, Any]]:
    """Convert ranking lists to plain data, for a JSON file."""
    lists = result.require_lists()
    described = []
    for number in range(len(query.pids)):
        valid = bool(result.valid[number])
        places = zip(lists.indices[number], lists.distances[number], lists.matches[number])
        described.append(
            dict(
                query.describe(number),
                ap=float(result.average_precision[number]) if valid else None,
                first_match=int(result.first_match[number]) if valid else None,
                num_positives=int(result.num_positives[number]),
                gallery=[
                    dict(gallery.describe(index), distance=float(distance), match=bool(match))
                    for index, distance, match in places
                    if index >= 0
                ],
            )
        )
    return described
