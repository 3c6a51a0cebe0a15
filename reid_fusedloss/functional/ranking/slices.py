"""Base of the observers of a ranking: takes blocks in slices, checks that no query is missing."""

from abc import ABC, abstractmethod

import numpy as np

from .matching import GalleryMatches

SLICE_SIZE = 2**22  # distances that are copied at a time


class SliceObserver(ABC):
    """An observer of whole rankings that takes a bounded number of distances at a time.

    It watches one ranking at a time: other `GalleryMatches` start again.
    """

    def __init__(self) -> None:
        self._matches: GalleryMatches | None = None
        self._num_seen = 0

    def start(self, matches: GalleryMatches) -> None:
        """Forget all queries. `update` does it by itself.

        Raises:
            ValueError: if the labels leave nothing to count.
        """
        self._matches, self._num_seen = matches, 0
        self._start(matches)

    def update(self, first: int, block: np.ndarray, matches: GalleryMatches) -> None:
        """Take the distances of some queries, each query once.

        Args:
            first: number of the block's first query.
            block: distances to the gallery, shape (b, G), finite, smaller is nearer; not changed.
            matches: positives and junk of all queries, the same object for all blocks.

        Raises:
            ValueError: as `start`.
        """
        if matches is not self._matches:
            self.start(matches)
        self._num_seen += len(block)
        step = max(1, SLICE_SIZE // matches.num_gallery)
        for begin in range(0, len(block), step):
            self._take(first + begin, block[begin : begin + step], matches)

    def _seen_all(self, what: str) -> GalleryMatches:
        """Return the labels of the ranking after all queries.

        Args:
            what: name of the requested figures, in the plural.

        Raises:
            ValueError: if not all queries were seen.
        """
        if self._matches is None or self._num_seen != self._matches.num_queries:
            raise ValueError(
                f'{what} are those of all queries: update with each query once, then ask'
            )
        return self._matches

    @abstractmethod
    def _start(self, matches: GalleryMatches) -> None:
        """Forget all queries of another ranking."""

    @abstractmethod
    def _take(self, first: int, rows: np.ndarray, matches: GalleryMatches) -> None:
        """Take distances of consecutive queries, few enough to be copied."""
