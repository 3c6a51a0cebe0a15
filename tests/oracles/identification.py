"""Open-set rates as plain loops: one query, one entry, one gallery at a time."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np

from tests.oracles.protocols import Observed

Rates = tuple[float, float]


def nearest(row: Sequence[float], entries: Sequence[int]) -> int | None:
    """The nearest of some entries, the last of equal ones; None: there is none."""
    best = None
    for j in entries:
        if best is None or row[j] <= row[best]:
            best = j
    return best


def outcomes(
    distances: np.ndarray, case: Observed, strangers: set
) -> tuple[list[float], list[tuple[float, bool]]]:
    """Nearest distance of each stranger; nearest distance of each known query, and if it is right.

    Args:
        distances: shape (Q, G).
        case: the labels.
        strangers: identities whose entries are not in the gallery.
    """
    gallery = [j for j, pid in enumerate(case.gallery_pids) if pid not in strangers]
    alarms, found = [], []
    for i, row in enumerate(distances):
        pid = case.query_pids[i]
        own = [j for j in gallery if case.gallery_pids[j] == pid]
        counted = [j for j in gallery if not case.is_junk(i, j)]
        if not own:
            alarms.append(float(row[nearest(row, counted)]) if counted else np.inf)
            continue
        if not set(own) & set(counted):
            continue
        # of equal distances the entries of other identities come first: they win here
        others = [j for j in counted if j not in own]
        best = nearest(row, [j for j in own if j in counted] + others)
        found.append((float(row[best]), best in own))
    return alarms, found


def dir_at_fpir(alarms: Sequence[float], found: Sequence[tuple[float, bool]], fpir: str) -> float:
    """Try each distance as the threshold, and one above all; the best DIR in percent."""
    best = 0.0
    for threshold in [*(value for value in alarms), *(value for value, _ in found), np.inf]:
        false = sum(value < threshold for value in alarms)
        if Fraction(false, len(alarms)) <= Fraction(fpir):
            right = sum(value < threshold and own for value, own in found)
            best = max(best, 100 * right / len(found))
    return best


def subsets(row: Sequence[float], others: Sequence[int], size: int) -> Iterator[float]:
    """Nearest distance in each subset of the entries, all of them where there are fewer."""
    for chosen in combinations(others, min(size, len(others))):
        yield min(float(row[j]) for j in chosen)


def mean_fpir(
    distances: np.ndarray, query_pids: Sequence, gallery_pids: Sequence, size: int, threshold: float
) -> float:
    """FPIR over all galleries of so many entries, each query a stranger to the others."""
    rates = []
    for i, row in enumerate(distances):
        others = [j for j, pid in enumerate(gallery_pids) if pid != query_pids[i]]
        values = list(subsets(row, others, size))
        rates.append(sum(value < threshold for value in values) / len(values))
    return float(np.mean(rates))


def mean_fpir_of_people(
    distances: np.ndarray,
    query_pids: Sequence,
    gallery_pids: Sequence,
    people: int,
    threshold: float,
) -> float:
    """FPIR over all galleries of so many people, with all images of each."""
    rates = []
    for i, row in enumerate(distances):
        others = sorted(set(gallery_pids) - {query_pids[i]})
        values = [
            min(float(row[j]) for j, pid in enumerate(gallery_pids) if pid in chosen)
            for chosen in combinations(others, people)
        ]
        rates.append(sum(value < threshold for value in values) / len(values))
    return float(np.mean(rates))


def mean_dir(distances: np.ndarray, size: int, threshold: float, *labels: Sequence) -> float:
    """DIR over all galleries of so many entries of other identities, beside the own ones."""
    case, rates = Observed(*labels), []
    for i, row in enumerate(distances):
        own = case.positives(i)
        if own:
            others = [j for j, pid in enumerate(case.gallery_pids) if pid != case.query_pids[i]]
            best = min(float(row[j]) for j in own)
            values = list(subsets(row, others, size))
            rates.append(sum(best < value for value in values) / len(values) * (best < threshold))
    return float(np.mean(rates))
