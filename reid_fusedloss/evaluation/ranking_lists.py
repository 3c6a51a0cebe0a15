"""Query and gallery of a test set, and its ranking lists as plain data."""

from typing import NamedTuple

import numpy as np

from ..functional.ranking.ranking_result import RankingResult
from .embeddings import EmbeddingTable


class Part(NamedTuple):
    """Query or gallery: rows of the table, and how they are called."""

    rows: np.ndarray
    pids: list
    camids: list
    paths: list

    def take(self, features: np.ndarray) -> np.ndarray:
        """Its rows of the table's features; a view where they follow each other."""
        first, last = self.rows[0], self.rows[-1]
        together = last - first + 1 == len(self.rows)
        return features[first : last + 1] if together else features[self.rows]


def split_parts(table: EmbeddingTable) -> tuple[Part, Part]:
    """Query and gallery of a test set.

    Raises:
        ValueError: if one of them is empty.
    """
    is_query = np.array(table.columns['is_query'], dtype=bool)
    parts = []
    for chosen in (is_query, ~is_query):
        rows = np.flatnonzero(chosen)
        parts.append(
            Part(
                rows,
                *(
                    [table.columns[key][row] for row in rows]
                    for key in ('pid', 'camid', 'img_path')
                ),
            )
        )
    if not all(len(part.rows) for part in parts):
        raise ValueError(
            f'{len(parts[0].rows)} query and {len(parts[1].rows)} gallery images: the '
            "evaluated data set is not a ReID test split (split='test')"
        )
    return parts[0], parts[1]


def describe(result: RankingResult, query: Part, gallery: Part) -> list[dict]:
    """Ranking lists as plain data, ready for a JSON file."""
    described = []
    for number, pid in enumerate(query.pids):
        valid = bool(result.valid[number])
        described.append(
            dict(
                img_path=query.paths[number],
                pid=pid,
                camid=query.camids[number],
                ap=float(result.average_precision[number]) if valid else None,
                first_match=int(result.first_match[number]) if valid else None,
                num_positives=int(result.num_positives[number]),
                gallery=_places(result, number, gallery),
            )
        )
    return described


def _places(result: RankingResult, number: int, gallery: Part) -> list[dict]:
    lists = result.lists
    return [
        dict(
            img_path=gallery.paths[index],
            pid=gallery.pids[index],
            camid=gallery.camids[index],
            distance=float(distance),
            match=bool(match),
        )
        for index, distance, match in zip(
            lists.indices[number], lists.distances[number], lists.matches[number]
        )
        if index >= 0
    ]
