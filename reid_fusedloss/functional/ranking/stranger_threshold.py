"""Choose the distance threshold of a gallery by the rate of false alarms per query."""

from numbers import Real

import numpy as np

from .gallery_units import Units, subset_survival
from .identification import check_enough_strangers
from .matching import GalleryMatches
from .options import check_integer
from .slices import SliceObserver


class ThresholdAtFpir(SliceObserver):
    """Largest distance threshold at a false positive identification rate; an observer.

    Every query of a validation set stands for a stranger once: all entries of its identity are
    left out. The nearest of many entries is nearer than that of few, and that of many people
    nearer than that of as many images of few, so the rate holds for galleries of one size:

    - Of M > s others (entries, or people if `gallery_people` is given, see `Units`) s are as many
      as the gallery has: the rate is the mean over all subsets of s of them, exactly: the nearest
      of a random subset is the k-th nearest of all with a hypergeometric chance.
    - Of M < s: all of them, and the rate r = 1 - (1 - fpir)^(M / s), from which s make fpir if
      each is an independent chance. As some strangers resemble many people and others none,
      the chances are not independent, and the actual FPIR is at most that.

    Held are the distances up to the threshold.

    Args:
        fpir: false positive identification rate, above 0, below 1.
        gallery_size: number of entries of the gallery; None: that of the validation gallery.
        gallery_people: number of identities of the gallery, an entry without one counted as one;
            None: unknown, its entries are taken for those of as many people as a random choice
            of the validation set's has.

    Attributes:
        size: number of entries of the gallery.
        rate: r.
        num_used: number of entries of the validation gallery that are used.

    Raises:
        ValueError: if fpir is out of range, a number is no positive integer, or there are more
            people than entries.
    """

    fpir: float
    gallery_size: int | None
    gallery_people: int | None

    def __init__(
        self, fpir: float, gallery_size: int | None = None, gallery_people: int | None = None
    ) -> None:
        super().__init__()
        if not isinstance(fpir, Real) or isinstance(fpir, bool) or not 0 < fpir < 1:
            raise ValueError(f'fpir is a share of the strangers, above 0, below 1, got {fpir!r}')
        for name, value in (('gallery_size', gallery_size), ('gallery_people', gallery_people)):
            if value is not None:
                check_integer(name, value, 1)
        if gallery_people is not None and gallery_people > (gallery_size or 0):
            raise ValueError(
                f'gallery_people={gallery_people} needs gallery_size, which is at '
                f'least as many entries, got {gallery_size}'
            )
        self.fpir = float(fpir)
        self.gallery_size, self.gallery_people = gallery_size, gallery_people

    def _start(self, matches: GalleryMatches) -> None:
        """Find the rate at the size that there is; too few strangers for it are an error."""
        if not matches.num_negatives:
            raise ValueError('there is no stranger: query and gallery have a single identity')
        self.size = matches.num_gallery if self.gallery_size is None else self.gallery_size
        self._units = Units(matches, self.size, self.gallery_people)
        self.num_used = len(self._units.columns)
        share = min(1.0, self._units.num_others() / self._units.wanted)
        self.rate = self.fpir if share == 1 else -np.expm1(share * np.log1p(-self.fpir))
        if self._units.wanted <= len(self._units.starts):
            check_enough_strangers(self.fpir, matches.num_queries)
        else:
            check_enough_strangers(
                self.rate,
                matches.num_queries,
                (
                    f'FPIR {self.fpir:g} in a gallery of {self.size} entries is {self.rate:.2g} in '
                    f'the {self.num_used} of the validation set, and '
                ),
            )
        self._values, self._weights = np.empty(0), np.empty(0)
        self._own = np.full(matches.num_queries, np.inf)
        self._chance = np.zeros(matches.num_queries)

    def threshold(self) -> float:
        """The distance below which, strictly, an identity may be claimed.

        Raises:
            ValueError: if not all queries were seen, or any distance keeps the rate.
        """
        self._seen_all('thresholds')
        distance = float(self._values[-1])
        if not np.isfinite(distance):
            raise ValueError(
                f'fpir={self.fpir:g} accepts every query without a threshold: give a lower rate'
            )
        return distance

    def dir(self) -> float | None:
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
        for row, query in enumerate(queries.tolist()):
            positives, junk = matches.of(query)
            self._own[query] = rows[row, positives].min(initial=np.inf)
            others[row, positives] = others[row, junk] = np.inf
        others = self._units.nearest(others)
        survival = subset_survival(np.isfinite(others).sum(axis=1), self._units.wanted)
        reach = survival.shape[1] - 1
        nearer = np.count_nonzero(others <= self._own[queries, None], axis=1)
        places = nearer.clip(max=reach)[:, None]
        self._chance[queries] = np.take_along_axis(survival, places, axis=1)[:, 0]
        nearest = np.sort(np.partition(others, reach - 1, axis=1)[:, :reach], axis=1)
        self._keep(nearest, survival[:, :-1] - survival[:, 1:], self.rate * matches.num_queries)

    def _keep(self, nearest: np.ndarray, weights: np.ndarray, most: float) -> None:
        """Add distances with their chances; drop what lies behind the threshold in any case."""
        values = np.concatenate([self._values, nearest.ravel()])
        weights = np.concatenate([self._weights, weights.ravel()])
        order = np.argsort(values, kind='stable')
        total = weights[order].cumsum()
        stop = int(total.searchsorted(most + 1e-9, 'right')) + 1
        self._values, self._weights = values[order[:stop]], weights[order[:stop]]
