"""Verification: the share of true pairs that is accepted at a given rate of false ones."""

from collections.abc import Sequence

import numpy as np

from .matching import GalleryMatches
from .rates import check_rates, decimal, share_of
from .slices import SliceObserver


def check_fprs(fprs: Sequence[float]) -> None:
    """Raise an error if the false positive rates are not different numbers in (0, 1].

    Raises:
        TypeError, ValueError: as `check_rates`.
    """
    check_rates(fprs, 'fprs', 'false positive rates')


class TprAtFpr(SliceObserver):
    """True positive rate at given false positive rates, over all pairs, exact; an observer.

    Each pair of a query and a gallery entry that is not junk is accepted if it is near enough.
    The TPR at FPR f is the largest TPR of any threshold whose FPR is at most f. Pairs at equal
    distance are accepted together, so it is the share of the positive pairs that are strictly
    nearer than the (floor(f * N) + 1)-th nearest of the N negative pairs: the point of the ROC
    curve (Fawcett, Pattern Recognition Letters 2006) at f, not interpolated. f is taken as the
    decimal number it is written as, so that 1e-2 of 100 pairs is one pair.

    A query without a positive contributes its negative pairs; junk is in no count. Held are the
    distances of all positive pairs and, at most, about four times max(fprs) * N distances of
    negative ones.

    Args:
        fprs: false positive rates in (0, 1], each once.

    Raises:
        TypeError: if fprs is no sequence.
        ValueError: if it is empty, holds anything but numbers in (0, 1], or one of them twice.
    """

    def __init__(self, fprs: Sequence[float]) -> None:
        super().__init__()
        check_fprs(fprs)
        self.fprs = tuple(fprs)

    def thresholds(self) -> dict[float, float]:
        """The distance below which, strictly, pairs are accepted, for each false positive rate.

        Returns:
            By false positive rate f, the (floor(f * N) + 1)-th smallest negative distance; inf for
            f = 1, which accepts every pair.

        Raises:
            ValueError: if not all queries were seen or there is no negative pair.
        """
        total = self._seen_all('thresholds').num_negatives
        if not total:
            raise ValueError('there is no negative pair: query and gallery have a single identity')
        nearest = np.concatenate(self._negatives)
        places = [place for place in self._places if place < total]
        if places:
            nearest.partition(places)
        return {
            fpr: float(nearest[place]) if place in places else np.inf
            for fpr, place in zip(self.fprs, self._places)
        }

    def summarise(self) -> dict[str, float]:
        """'TPR@FPR=<f>' in percent for each false positive rate, such as 'TPR@FPR=1e-04'.

        Raises:
            ValueError: if not all queries were seen, or there is no negative or no positive pair.
        """
        thresholds = self.thresholds()
        positives = np.concatenate(self._positives)
        if not len(positives):
            raise ValueError(
                f'none of the {self._num_seen} queries has a positive in the '
                'gallery: check pids and camids'
            )
        return {
            f'TPR@FPR={decimal(fpr)}': 100
            * np.count_nonzero(positives < threshold)
            / len(positives)
            for fpr, threshold in thresholds.items()
        }

    def _start(self, matches: GalleryMatches) -> None:
        """Forget all pairs; compute how many negative ones to keep."""
        total = matches.num_negatives
        self._places = [share_of(fpr, total) for fpr in self.fprs]
        self._num_needed = 1 + max((place for place in self._places if place < total), default=-1)
        self._reach = np.inf if self._num_needed else -np.inf
        self._positives: list[np.ndarray] = []
        self._negatives: list[np.ndarray] = []
        self._num_kept = 0

    def _take(self, first: int, rows: np.ndarray, matches: GalleryMatches) -> None:
        """Keep the positive distances of these rows, and the negative ones within reach."""
        near = rows < self._reach
        for query, (row, row_near) in enumerate(zip(rows, near), first):
            positives, junk = matches.of(query)
            self._positives.append(row[positives])
            row_near[positives] = row_near[junk] = False
        self._negatives.append(rows[near])
        self._num_kept += len(self._negatives[-1])
        if self._num_kept > 2 * self._num_needed:
            nearest = np.concatenate(self._negatives)
            nearest.partition(self._num_needed - 1)
            self._negatives = [nearest[: self._num_needed].copy()]
            self._num_kept, self._reach = self._num_needed, nearest[self._num_needed - 1]
