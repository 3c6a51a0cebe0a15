"""Open-set evaluation: the identities of a test set are split into known people and strangers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .identification import (
    FPIRS,
    check_open_set,
    detection_and_identification_rate,
    draw_strangers,
    threshold_at_fpir,
)
from .matching import GalleryMatches
from .rates import decimal
from .slices import SliceObserver

Split = tuple[np.ndarray, np.ndarray, np.ndarray]


class Gallery(NamedTuple):
    """The gallery of one trial.

    Attributes:
        trial: its number.
        size: requested number of entries; None: the whole gallery.
        groups: which groups of entries are in it, bool.
    """

    trial: int
    size: int | None
    groups: np.ndarray


class DirAtFpir(SliceObserver):
    """Detection and identification rate at given rates of false alarms per query; an observer.

    Test sets such as Market-1501 have all queries in the gallery. So identities are split, `trials`
    times: a share of them, drawn by the seed, are strangers, whose entries are left out of the
    gallery; queries without any entry of their identity are strangers in each trial. Gallery
    identities that no query has (distractors, Market's 0000) are nobody: always in the gallery,
    never known. The draws depend on seed and labels, not on the order of files or blocks.

    In each trial the threshold is the largest whose FPIR is at most the given one
    (`threshold_at_fpir`), and the DIR is that of the known queries with a positive; junk is left
    out. Averages over the trials are reported.

    The rates hold for one size of the gallery. `gallery_sizes` asks for smaller ones too: people,
    and distractors one by one, are enrolled in a random order of each trial until the next would
    make the gallery larger. The strangers stay the same, and the known are those enrolled.

    Args:
        fpir: false positive identification rates in (0, 1], each once.
        strangers: share of the identities that are strangers, in [0, 1).
        trials: number of splits.
        seed: of the splits.
        gallery_sizes: numbers of entries, in addition to the whole gallery.

    Raises:
        TypeError, ValueError: as `check_open_set`.
    """

    def __init__(
        self,
        fpir: Sequence[float] = FPIRS,
        strangers: float = 0.5,
        trials: int = 10,
        seed: int = 0,
        gallery_sizes: Sequence[int] = (),
    ) -> None:
        super().__init__()
        check_open_set(fpir, strangers, trials, seed, gallery_sizes)
        self.fpirs, self.share, self.trials, self.seed = tuple(fpir), strangers, trials, seed
        self.gallery_sizes = tuple(gallery_sizes)

    def summarise(self) -> dict[str, float]:
        """'DIR@FPIR=<f>' and 'FNIR@FPIR=<f>' in percent for each rate, such as 'DIR@FPIR=1e-02'.

        In a gallery of a given size they end in ',G=<size>'.

        Raises:
            ValueError: if not all queries were seen, there is no stranger or no known query with
                a positive in a trial, or a rate is below 1 / strangers.
        """
        numbers = {}
        for size in (None, *self.gallery_sizes):
            end = '' if size is None else f',G={size}'
            for fpir in self.fpirs:
                found = self.at(fpir, size)
                numbers[f'DIR@FPIR={decimal(fpir)}{end}'] = found
                numbers[f'FNIR@FPIR={decimal(fpir)}{end}'] = 100 - found
        return numbers

    def at(self, fpir: float, gallery_size: int | None = None) -> float:
        """Compute the DIR in percent at one rate, averaged over the trials.

        Args:
            fpir: the rate.
            gallery_size: one of the sizes; None: the whole gallery.

        Raises:
            ValueError: as `summarise`.
        """
        return 100 * float(
            np.mean(
                [
                    detection_and_identification_rate(own, other, threshold_at_fpir(nearest, fpir))
                    for nearest, own, other in self.splits(gallery_size)
                ]
            )
        )

    def curve(self, num_points: int = 100) -> tuple[np.ndarray, np.ndarray]:
        """Compute DIR over FPIR, from the lowest rate that the strangers allow to 1.

        Returns:
            Rates, shape (num_points,), evenly spaced on a log scale, and the DIR at each in
            percent, averaged over the trials.

        Raises:
            ValueError: as `summarise`.
        """
        splits = self.splits()
        lowest = 1 / min(len(nearest) for nearest, _, _ in splits)
        rates = np.geomspace(lowest, 1, num_points)
        return rates, np.mean([_curve(*split, rates) for split in splits], axis=0)

    def splits(self, gallery_size: int | None = None) -> list[Split]:
        """Of each trial: the strangers' nearest distances; own and other ones of known queries.

        Args:
            gallery_size: one of the sizes; None: the whole gallery.

        Raises:
            ValueError: as `summarise`.
        """
        self._seen_all('rates')
        splits = []
        for gallery, nearest in zip(self._galleries, self._others.T):
            if gallery.size != gallery_size:
                continue
            drawn = self.drawn[gallery.trial]
            stranger = np.append(drawn, True)[self._identity]  # -1: has no entry
            enrolled = np.append(gallery.groups[: len(drawn)], False)[self._identity]
            known = enrolled & np.isfinite(self._own)
            if not stranger.any() or not known.any():
                raise ValueError(
                    f'{stranger.sum()} queries of strangers and {known.sum()} of known people with '
                    'a positive: both are needed, so leave out some identities, but not all '
                    f'(strangers={self.share:g}), and check pids and camids'
                )
            splits.append((nearest[stranger], self._own[known], nearest[known]))
        return splits

    def describe(self) -> str:
        """Describe how identities were split, and how many queries and entries there are."""
        splits = self.splits()
        strangers, known = (round(np.mean([len(split[i]) for split in splits])) for i in (0, 1))
        sizes = [self._sizes[g.groups].sum() for g in self._galleries if g.size is None]
        return (
            f'{int(self.drawn[0].sum())} of {self.drawn.shape[1]} identities are left out of '
            f'the gallery as strangers (mean of {self.trials} splits, seed {self.seed}): '
            f'{strangers} queries of strangers, {known} of known people, '
            f'{round(np.mean(sizes))} gallery entries'
        )

    def _start(self, matches: GalleryMatches) -> None:
        """Number the identities; draw the strangers and the gallery of each trial."""
        asked = np.unique(matches.query_codes)
        asked = asked[np.isin(asked, matches.gallery_codes)]
        self._identity = _places(matches.query_codes, asked, -1)
        self.drawn = draw_strangers(len(asked), self.share, self.trials, self.seed)
        group = _places(matches.gallery_codes, asked, len(asked))  # the last one is nobody's
        if self.gallery_sizes:  # each entry of nobody is a group of its own
            nobody = group == len(asked)
            group[nobody] += np.arange(nobody.sum())
        self._order = np.argsort(group, kind='stable')
        self._sizes = np.bincount(group, minlength=len(asked) + 1)
        self._galleries = self._draw_galleries()
        self._own = np.full(matches.num_queries, np.inf)
        self._others = np.full((matches.num_queries, len(self._galleries)), np.inf)

    def _draw_galleries(self) -> list[Gallery]:
        """Of each trial the whole gallery, and those of given sizes."""
        galleries = []
        for trial, drawn in enumerate(self.drawn):
            there = np.append(~drawn, np.ones(len(self._sizes) - len(drawn), dtype=bool))
            galleries.append(Gallery(trial, None, there))
            order = np.random.default_rng((self.seed, trial)).permutation(np.flatnonzero(there))
            reached = self._sizes[order].cumsum()
            for size in self.gallery_sizes:
                if size > reached[-1]:
                    raise ValueError(
                        f'gallery_sizes has {size}, but the gallery of a trial has '
                        f'{reached[-1]} entries: leave it out, or lower strangers'
                    )
                groups = np.zeros(len(there), dtype=bool)
                groups[order[reached <= size]] = True
                galleries.append(Gallery(trial, size, groups))
        return galleries

    def _take(self, first: int, rows: np.ndarray, matches: GalleryMatches) -> None:
        """Keep the nearest distances of these rows, of the own and of the other identities."""
        if not matches.protocol.within_identity:
            rows = rows.copy()
            rows[matches.between(first, first + len(rows)).junk] = np.inf
        groups = np.full((len(rows), len(self._sizes)), np.inf)
        filled = np.flatnonzero(self._sizes)
        starts = (self._sizes.cumsum() - self._sizes)[filled]
        groups[:, filled] = np.minimum.reduceat(rows[:, self._order], starts, axis=1)
        for row, query in enumerate(range(first, first + len(rows))):
            positives, _ = matches.of(query)
            self._own[query] = rows[row, positives].min(initial=np.inf)
            if self._identity[query] >= 0:
                groups[row, self._identity[query]] = np.inf
        for number, gallery in enumerate(self._galleries):
            self._others[first : first + len(rows), number] = groups[:, gallery.groups].min(
                axis=1, initial=np.inf
            )


def _places(codes: np.ndarray, asked: np.ndarray, missing: int) -> np.ndarray:
    """Find each code among the ascending queried ones; `missing` if it is not there."""
    places = np.searchsorted(asked, codes)
    found = np.append(asked, -1)[places] == codes
    return np.where(found, places, missing)


def _curve(
    nearest: np.ndarray, own: np.ndarray, other: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """DIR in percent at each rate."""
    places = np.floor(rates * len(nearest) + 1e-9).astype(int)
    thresholds = np.append(np.sort(nearest), np.inf)[places]
    found = np.sort(own[own < other])
    rate: np.ndarray = 100 * np.searchsorted(found, thresholds) / len(own)
    return rate
