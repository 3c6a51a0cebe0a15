"""Open-set identification: rates per query, of strangers and of known people.

A query whose identity has no entry in the gallery is a stranger; a query whose identity has one is
of a known person. The system claims the identity of the nearest entry if that is strictly nearer
than a threshold. The terms are those of ISO/IEC 19795-1 (2021) and of Grother and Phillips, Models
of large population recognition performance, CVPR 2004:

- FPIR, false positive identification rate: share of the strangers that are assigned an identity.
- DIR, detection and identification rate: share of the known queries whose own identity is claimed.
- FNIR, false negative identification rate: 1 - DIR, here at rank 1.

All of them hold for a gallery of one size: each entry is a chance more of a false alarm.
"""

from collections.abc import Collection, Sequence
from numbers import Real

import numpy as np

from .options import check_draws, check_integer
from .rates import check_rates, share_of

FPIRS = (1e-2, 1e-1)


def false_positive_identification_rate(nearest: np.ndarray, threshold: float) -> float:
    """Compute the FPIR: share of strangers with an entry strictly nearer than a threshold.

    Args:
        nearest: of each stranger the distance of the nearest entry, shape (N,).
        threshold: a distance.
    """
    return float(np.mean(np.asarray(nearest) < threshold))


def detection_and_identification_rate(
    own: np.ndarray, other: np.ndarray, threshold: float
) -> float:
    """Compute the DIR: share of the known queries found at rank 1 within a threshold, strictly.

    An entry of another identity at the same distance as the own one counts as a miss.

    Args:
        own: of each known query the distance of the nearest entry of its identity, shape (M,).
        other: likewise of all other identities, inf where there is none, shape (M,).
        threshold: a distance.
    """
    own = np.asarray(own)
    return float(np.mean((own < threshold) & (own < other)))


def threshold_at_fpir(nearest: np.ndarray, fpir: float) -> float:
    """Compute the largest threshold whose FPIR is at most the given one.

    Args:
        nearest: of each stranger the distance of the nearest entry, shape (N,).
        fpir: a rate in (0, 1], the decimal number it is written as.

    Returns:
        The (floor(fpir * N) + 1)-th smallest distance; inf where fpir is 1.

    Raises:
        ValueError: if fpir is below 1 / N: so few strangers cannot tell it from 0.
    """
    check_enough_strangers(fpir, len(nearest))
    place = share_of(fpir, len(nearest))
    return np.inf if place == len(nearest) else float(np.partition(nearest, place)[place])


def check_enough_strangers(fpir: float, num_strangers: int, why: str = '') -> None:
    """Refuse a rate that is below one stranger.

    Args:
        fpir: the rate.
        num_strangers: how many there are.
        why: the beginning of the error.

    Raises:
        ValueError: it names the rate and the number of strangers.
    """
    if not share_of(fpir, num_strangers):
        raise ValueError(
            f'{why}FPIR {fpir:.3g} needs at least {int(np.ceil(1 / fpir))} strangers, '
            f'there are {num_strangers}: ask for a higher rate, or use a larger set'
        )


def check_open_set(
    fpir: Sequence[float] = FPIRS,
    strangers: float = 0.5,
    trials: int = 10,
    seed: int = 0,
    gallery_sizes: Sequence[int] = (),
) -> None:
    """Raise an error if an option of `DirAtFpir` is out of range.

    Raises:
        TypeError: if fpir or gallery_sizes is no sequence.
        ValueError: if something is out of range.
    """
    check_rates(fpir, 'fpir', 'false positive identification rates')
    if not isinstance(strangers, Real) or isinstance(strangers, bool) or not 0 <= strangers < 1:
        raise ValueError(
            'strangers is the share of the identities that are left out of the '
            f'gallery, at least 0, below 1, got {strangers!r}'
        )
    check_draws(trials, seed)
    if not isinstance(gallery_sizes, Collection) or isinstance(gallery_sizes, str):
        raise TypeError(f'gallery_sizes must be a sequence of integers, got {gallery_sizes!r}')
    for size in gallery_sizes:
        check_integer('a gallery size', size, 1)
    if len(set(gallery_sizes)) < len(gallery_sizes):
        raise ValueError(f'gallery_sizes has a size twice: {tuple(gallery_sizes)}')


def draw_strangers(num_identities: int, share: float, trials: int, seed: int) -> np.ndarray:
    """Draw the identities that are strangers in each trial, without replacement.

    Args:
        num_identities: number of identities I.
        share: of them to draw; rounded to whole identities.
        trials: number of draws T.
        seed: of the draws; the same seed draws the same.

    Returns:
        Shape (T, I), bool.
    """
    places = np.random.default_rng(seed).random((trials, num_identities)).argsort(axis=1)
    return places.argsort(axis=1) < round(share * num_identities)
