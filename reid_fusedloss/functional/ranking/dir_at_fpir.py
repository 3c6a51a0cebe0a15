"""Open set of a test set: its identities are split into known people and strangers."""

from collections.abc import Sequence

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

SLICE_SIZE = 2**22  # distances that are copied at a time


class DirAtFpir:
    """Detection and identification rate at given rates of false alarms per query; an observer.

    Test sets such as Market-1501 have all queries in the gallery. So identities are split, `trials`
    times: a share of them, drawn by the seed, are strangers, whose entries are left out of the
    gallery; queries without any entry of their identity are strangers in each trial. Gallery
    identities that no query has (distractors, Market's 0000) are nobody: always in the gallery,
    never known. The draws depend on seed and labels, not on the order of files or blocks.

    In each trial the threshold is the largest whose FPIR is at most the given one
    (`threshold_at_fpir`), and the DIR is that of the known queries with a positive; entries of
    their identity and camera are junk. Averages over the trials are reported.

    Args:
        fpir: false positive identification rates in (0, 1], each once.
        strangers: share of the identities that are strangers, in [0, 1).
        trials: number of splits.
        seed: of the splits.

    Raises:
        TypeError, ValueError: as `check_open_set`.
    """

    def __init__(
        self, fpir: Sequence[float] = FPIRS, strangers: float = 0.5, trials: int = 10, seed: int = 0
    ) -> None:
        check_open_set(fpir, strangers, trials, seed)
        self.fpirs, self.share, self.trials, self.seed = tuple(fpir), strangers, trials, seed
        self._matches: GalleryMatches | None = None

    def update(self, first: int, block: np.ndarray, matches: GalleryMatches) -> None:
        """Take the distances of some queries, each query once.

        Args:
            first: number of the block's first query.
            block: distances to the gallery, shape (b, G), finite, smaller is nearer; not changed.
            matches: positives and junk of all queries, the same object for all blocks.
        """
        if matches is not self._matches:
            self._start(matches)
        self._num_seen += len(block)
        step = max(1, SLICE_SIZE // matches.num_gallery)
        for start in range(0, len(block), step):
            self._take(first + start, block[start : start + step], matches)

    def summarise(self) -> dict[str, float]:
        """'DIR@FPIR=<f>' and 'FNIR@FPIR=<f>' in percent for each rate, such as 'DIR@FPIR=1e-02'.

        Raises:
            ValueError: if not all queries were seen, there is no stranger or no known query with
                a positive in a trial, or a rate is below 1 / strangers.
        """
        numbers = {}
        for fpir in self.fpirs:
            found = self.at(fpir)
            numbers[f'DIR@FPIR={decimal(fpir)}'] = found
            numbers[f'FNIR@FPIR={decimal(fpir)}'] = 100 - found
        return numbers

    def at(self, fpir: float) -> float:
        """DIR in percent at one rate, averaged over the trials.

        Raises:
            ValueError: as `summarise`.
        """
        return 100 * float(
            np.mean(
                [
                    detection_and_identification_rate(own, other, threshold_at_fpir(nearest, fpir))
                    for nearest, own, other in self.splits()
                ]
            )
        )

    def curve(self, num_points: int = 100) -> tuple[np.ndarray, np.ndarray]:
        """DIR over FPIR, from the lowest rate that the strangers allow to 1.

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

    def splits(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of each trial: the strangers' nearest distances; own and other ones of known queries.

        Raises:
            ValueError: as `summarise`.
        """
        if self._matches is None or self._num_seen != self._matches.num_queries:
            raise ValueError(
                'rates are those of all queries: update with each query once, then ask'
            )
        splits = []
        for drawn, nearest in zip(self.drawn, self._others.T):
            stranger = np.append(drawn, True)[self._identity]  # -1: has no entry
            known = ~stranger & np.isfinite(self._own)
            if not stranger.any() or not known.any():
                raise ValueError(
                    f'{stranger.sum()} queries of strangers and {known.sum()} of known people with '
                    'a positive: both are needed, so leave out some identities, but not all '
                    f'(strangers={self.share:g}), and check pids and camids'
                )
            splits.append((nearest[stranger], self._own[known], nearest[known]))
        return splits

    def describe(self) -> str:
        """What the rates hold for: how identities were split, and how many queries and entries."""
        splits = self.splits()
        strangers, known = (round(np.mean([len(split[i]) for split in splits])) for i in (0, 1))
        sizes = [self._sizes[:-1][~drawn].sum() + self._sizes[-1] for drawn in self.drawn]
        return (
            f'{int(self.drawn[0].sum())} of {self.drawn.shape[1]} identities are left out of '
            f'the gallery as strangers (mean of {self.trials} splits, seed {self.seed}): '
            f'{strangers} queries of strangers, {known} of known people, '
            f'{round(np.mean(sizes))} gallery entries'
        )

    def _start(self, matches: GalleryMatches) -> None:
        """Forget all queries; number the identities and draw the strangers of each trial."""
        self._matches, self._num_seen = matches, 0
        asked = np.unique(matches.query_codes)
        asked = asked[np.isin(asked, matches.gallery_codes)]
        self._identity = _places(matches.query_codes, asked, -1)
        self.drawn = draw_strangers(len(asked), self.share, self.trials, self.seed)
        group = _places(matches.gallery_codes, asked, len(asked))  # the last one is nobody's
        self._order = np.argsort(group, kind='stable')
        self._sizes = np.bincount(group, minlength=len(asked) + 1)
        self._own = np.full(matches.num_queries, np.inf)
        self._others = np.full((matches.num_queries, self.trials), np.inf)

    def _take(self, first: int, rows: np.ndarray, matches: GalleryMatches) -> None:
        """Keep the nearest distances of these rows, of the own and of the other identities."""
        groups = np.full((len(rows), len(self._sizes)), np.inf)
        filled = np.flatnonzero(self._sizes)
        starts = (self._sizes.cumsum() - self._sizes)[filled]
        groups[:, filled] = np.minimum.reduceat(rows[:, self._order], starts, axis=1)
        for row, query in enumerate(range(first, first + len(rows))):
            positives, _ = matches.of(query)
            self._own[query] = rows[row, positives].min(initial=np.inf)
            if self._identity[query] >= 0:
                groups[row, self._identity[query]] = np.inf
        for trial, drawn in enumerate(self.drawn):
            gone = np.append(drawn, False)
            self._others[first : first + len(rows), trial] = groups[:, ~gone].min(
                axis=1, initial=np.inf
            )


def _places(codes: np.ndarray, asked: np.ndarray, missing: int) -> np.ndarray:
    """Place of each code among the ascending ones that are asked for; `missing` if not there."""
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
    return 100 * np.searchsorted(found, thresholds) / len(own)
