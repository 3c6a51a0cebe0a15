"""The distance threshold of a gallery, chosen by the rate of false alarms per query."""
from numbers import Integral, Real
from typing import Optional

import numpy as np

from .identification import check_enough_strangers
from .matching import GalleryMatches

SLICE_SIZE = 2**22  # distances that are copied at a time
NEGLIGIBLE = 1e-12  # chance that none of so many nearest entries is in a subset


class ThresholdAtFpir:
    """Largest distance threshold at a false positive identification rate; an observer.

    Every query of a validation set stands for a stranger once: all entries of its identity are
    left out. The nearest of many entries is nearer than that of few, so the rate holds for
    galleries of one size G:

    - A validation gallery of M > G other entries: the rate is the mean over all subsets of G of
      them, exactly: the nearest of a random subset is the k-th nearest of all with a
      hypergeometric chance (`subset_survival`).
    - Of M < G entries: all of them, and the rate r = 1 - (1 - fpir)^(M / G), from which G entries
      make fpir if each is an independent chance. As some strangers resemble many people and
      others nobody, the chances are not independent, and the actual FPIR is at most that.

    Held are the distances up to the threshold. An observer watches one ranking at a time.

    Args:
        fpir: false positive identification rate, above 0, below 1.
        gallery_size: number of entries G; None: that of the validation gallery.

    Attributes:
        rate: r, at the validation gallery's own size where that is smaller.

    Raises:
        ValueError: if fpir is out of range or gallery_size no positive integer.
    """

    def __init__(self, fpir: float, gallery_size: Optional[int] = None) -> None:
        if not isinstance(fpir, Real) or isinstance(fpir, bool) or not 0 < fpir < 1:
            raise ValueError(f'fpir is a share of the strangers, above 0, below 1, got {fpir!r}')
        if gallery_size is not None and (not isinstance(gallery_size, Integral)
                                         or gallery_size < 1):
            raise ValueError(f'gallery_size is a number of entries, got {gallery_size!r}')
        self.fpir, self.gallery_size = float(fpir), gallery_size
        self._matches: Optional[GalleryMatches] = None

    def start(self, matches: GalleryMatches) -> None:
        """Forget all queries; find the rate at the size that there is. `update` does it by itself.

        Raises:
            ValueError: if there are too few strangers for the rate, or no negative pair.
        """
        self._matches, self._num_seen = matches, 0
        if not matches.num_negatives:
            raise ValueError('there is no stranger: query and gallery have one identity')
        self.size = matches.num_gallery if self.gallery_size is None else self.gallery_size
        share = min(1., matches.num_negatives / matches.num_queries / self.size)
        self.rate = self.fpir if share == 1 else -np.expm1(share * np.log1p(-self.fpir))
        if self.size <= matches.num_gallery:
            check_enough_strangers(self.fpir, matches.num_queries)
        else:
            check_enough_strangers(self.rate, matches.num_queries, (
                f'FPIR {self.fpir:g} in a gallery of {self.size} entries is {self.rate:.2g} in the '
                f'{matches.num_gallery} of the validation set, and '))
        self._values, self._weights = np.empty(0), np.empty(0)
        self._own = np.full(matches.num_queries, np.inf)
        self._chance = np.zeros(matches.num_queries)

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
        for start in range(0, len(block), step):
            self._take(first + start, block[start:start + step], matches)

    def threshold(self) -> float:
        """The distance below which, strictly, an identity may be claimed.

        Raises:
            ValueError: if not all queries were seen, or any distance keeps the rate.
        """
        if self._matches is None or self._num_seen != self._matches.num_queries:
            raise ValueError('the threshold is that of all queries: update with each query once, '
                             'then ask')
        distance = float(self._values[-1])
        if not np.isfinite(distance):
            raise ValueError(f'fpir={self.fpir:g} accepts every query: there is no such threshold')
        return distance

    def dir(self) -> Optional[float]:
        """DIR at the threshold, in 0..1: queries found among G entries of other identities.

        The entries of the query's own identity are there; a smaller validation gallery is taken
        whole. None: no query has a positive.
        """
        known = np.isfinite(self._own)
        if not known.any():
            return None
        return float(np.mean(self._chance[known] * (self._own[known] < self.threshold())))

    def summarise(self) -> dict[str, float]:
        """'threshold', a distance."""
        return dict(threshold=self.threshold())

    def _take(self, first: int, rows: np.ndarray, matches: GalleryMatches) -> None:
        """Look at these rows: strangers' nearest distances, and how near the own entries are."""
        others, queries = rows.copy(), np.arange(first, first + len(rows))
        counts = np.full(len(rows), matches.num_gallery)
        for row, query in enumerate(queries):
            positives, junk = matches.of(query)
            self._own[query] = rows[row, positives].min(initial=np.inf)
            others[row, positives] = others[row, junk] = np.inf
            counts[row] -= len(positives) + len(junk)
        survival = subset_survival(counts, self.size)
        reach = survival.shape[1] - 1
        nearer = np.count_nonzero(others <= self._own[queries, None], axis=1)
        places = nearer.clip(max=reach)[:, None]
        self._chance[queries] = np.take_along_axis(survival, places, axis=1)[:, 0]
        nearest = np.sort(np.partition(others, reach - 1, axis=1)[:, :reach], axis=1)
        self._keep(nearest, survival[:, :-1] - survival[:, 1:])

    def _keep(self, nearest: np.ndarray, weights: np.ndarray) -> None:
        """Add distances with their chances; drop what lies behind the threshold in any case."""
        values = np.concatenate([self._values, nearest.ravel()])
        weights = np.concatenate([self._weights, weights.ravel()])
        order = np.argsort(values, kind='stable')
        total = weights[order].cumsum()
        stop = np.searchsorted(total, self.rate * self._matches.num_queries + 1e-9, 'right') + 1
        self._values, self._weights = values[order[:stop]], weights[order[:stop]]


def subset_survival(num_entries: np.ndarray, size: int) -> np.ndarray:
    """Chance that a random subset holds none of the k nearest of M entries: C(M-k, s) / C(M, s).

    Args:
        num_entries: numbers of entries M, shape (b,).
        size: of the subset s; M where M is smaller.

    Returns:
        For k = 0 .. K, shape (b, K + 1); at K all chances are negligible.
    """
    entries = np.asarray(num_entries, dtype=float)[:, None]
    part = np.minimum(entries, size)
    share = np.divide(part, entries, out=np.ones_like(part), where=entries > 0).min()
    enough = 1 if share == 1 else np.ceil(np.log(NEGLIGIBLE) / np.log1p(-share))
    steps = np.arange(int(min(enough, max(entries.max(), 1))))
    left = np.maximum(entries - steps, 1)
    factors = ((entries - part - steps) / left).clip(0, 1)
    return np.concatenate([np.ones_like(entries), factors.cumprod(axis=1)], axis=1)
