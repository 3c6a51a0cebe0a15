"""Resample a validation gallery: number of entries and of images per person."""

import numpy as np

from .matching import GalleryMatches

NEGLIGIBLE = 1e-12  # chance that none of so many nearest units is in a subset


class Units:
    """What a validation gallery is counted in: its entries, or its people made like the gallery's.

    As people: at most so many images of each, drawn by a fixed seed, that there are on average not
    more a person than in the gallery. Entries of identities that no query has (distractors) are a
    person each; as large a share of them is left out.

    Args:
        matches: of the validation set.
        size: number of entries of the gallery.
        people: number of its people; None: count entries.

    Attributes:
        columns: entries that are used, unit by unit.
        starts: where units begin in them.
        wanted: number of units that hold as many entries as the gallery.
    """

    def __init__(self, matches: GalleryMatches, size: int, people: int | None) -> None:
        codes, self._asked = matches.gallery_codes, matches.query_codes
        self.columns = self.starts = np.arange(len(codes))
        self.wanted, self._codes = size, codes
        if people is None:
            return
        known = np.isin(codes, matches.query_codes)
        self.columns, mean = _like_a_gallery(np.where(known, codes, -1), size / people)
        units = np.where(known, codes, -1 - np.arange(len(codes)))
        self.starts = np.flatnonzero(np.diff(units[self.columns], prepend=np.nan))
        self.wanted, self._codes = max(1, round(size / mean)), codes[self.columns[self.starts]]

    def num_others(self) -> float:
        """Mean number of units of other identities than a query's."""
        codes, counts = np.unique(self._codes, return_counts=True)
        places = np.searchsorted(codes, self._asked).clip(max=len(codes) - 1)
        own = np.where(codes[places] == self._asked, counts[places], 0)
        return len(self.starts) - float(own.mean())

    def nearest(self, rows: np.ndarray) -> np.ndarray:
        """Distances (b, G) of entries to those of units: of the nearest entry of each."""
        if len(self.starts) == rows.shape[1]:
            return rows
        return np.minimum.reduceat(rows[:, self.columns], self.starts, axis=1)


def _like_a_gallery(people: np.ndarray, per_person: float) -> tuple[np.ndarray, float]:
    """Entries with at most so many images a person on average, and how many these have.

    Args:
        people: person of each entry, ascending numbers; -1: unknown, counted as its own person.
        per_person: images a person in the gallery.

    Returns:
        Entries, person by person, and their mean number a person. As large a share of unknown
        entries is left out as of the people's.
    """
    order = np.lexsort((np.random.default_rng(0).random(len(people)), people))
    nobody, order = np.split(order, [np.count_nonzero(people < 0)])
    counts = np.unique(people[order], return_counts=True)[1]
    place = np.arange(len(order)) - np.repeat(counts.cumsum() - counts, counts)
    best = (1, 0, 0.0)
    for most in range(1, counts.max(initial=1) + 1):
        kept = np.minimum(counts, most).sum()
        others = round(len(nobody) * kept / len(order)) if len(order) else len(nobody)
        mean = (kept + others) / (len(counts) + others)
        if most > 1 and mean > per_person:
            break
        best = most, others, mean
    most, others, mean = best
    return np.concatenate([nobody[:others], order[place < most]]), mean


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
