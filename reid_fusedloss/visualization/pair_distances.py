"""Distances within and between identities, and how well a threshold separates them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..functional import distance_blocks
from ..functional.features import Features
from ..functional.ranking.labels import Labels
from ..functional.ranking.matching import GalleryMatches


@dataclass(frozen=True)
class PairDistances:
    """Distances of all pairs of a query and a gallery image, without junk.

    Attributes:
        edges: of the bins, shape (B + 1,).
        intra: density of pairs of one identity in each bin, shape (B,); its area is 1.
        inter: density of pairs of two identities.
        num_intra: number of pairs of one identity.
        num_inter: number of pairs of two identities.
        intra_mean: mean distance of pairs of one identity.
        inter_mean: mean distance of pairs of two identities.
        eer: equal error rate in percent: the share of intra pairs above a threshold equals that
            of inter pairs below it, on the ROC polyline (as scikit-learn's).
        threshold: the distance of that point.
        overlap: in percent, the smallest sum of both error rates at any threshold. It is the
            common area of both densities if they cross once, and does not depend on the bins.
    """

    edges: np.ndarray
    intra: np.ndarray
    inter: np.ndarray
    num_intra: int
    num_inter: int
    intra_mean: float
    inter_mean: float
    eer: float
    threshold: float
    overlap: float


def pair_distances(
    query: Features,
    gallery: Features,
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    distance: str = 'cosine',
) -> PairDistances:
    """Compute the distributions of distances within and between identities, in two exact passes.

    Memory: one block of distances and all intra pairs.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (G, C).
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, G integers or strings.
        query_camids: cameras, or None; pairs of one identity in one camera are junk.
        gallery_camids: cameras, or None.
        distance: 'cosine' or 'euclidean'.

    Raises:
        TypeError, ValueError: as `evaluate_ranking`; if there is no intra or no inter pair.
    """
    if (len(query), len(gallery)) != (len(query_pids), len(gallery_pids)):
        raise ValueError(
            f'{len(query)} query and {len(gallery)} gallery features, but '
            f'{len(query_pids)} and {len(gallery_pids)} pids'
        )
    matches = GalleryMatches(query_pids, gallery_pids, query_camids, gallery_camids)

    def pairs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return _pairs(distance_blocks(query, gallery, distance), matches)

    positives, low, high = _intra_and_range(pairs())
    if not len(positives) or not matches.num_negatives:
        raise ValueError(
            f'{len(positives)} pairs of one identity and {matches.num_negatives} of two: both '
            'must be at least 1, check pids and camids'
        )
    num_bins = int(np.clip(2 * len(positives) ** (1 / 3), 20, 100))
    edges = np.linspace(low, high if high > low else low + 1, num_bins + 1)
    levels, counts = np.unique(positives, return_counts=True)
    below, up_to = np.zeros((2, len(levels)), int)
    histogram, total = np.zeros(num_bins, int), 0.0
    for _, inter in pairs():
        inter.sort()
        below += np.searchsorted(inter, levels, 'left')
        up_to += np.searchsorted(inter, levels, 'right')
        histogram += np.histogram(inter, edges)[0]
        total += float(inter.sum(dtype=np.float64))
    return PairDistances(
        edges,
        np.histogram(positives, edges, density=True)[0],
        histogram / (histogram.sum() * np.diff(edges)),
        len(positives),
        matches.num_negatives,
        float(positives.mean(dtype=np.float64)),
        total / matches.num_negatives,
        **_errors(levels, counts, below, up_to, matches.num_negatives, high),
    )


def _pairs(
    blocks: Iterator[np.ndarray], matches: GalleryMatches
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Distances of the intra and the inter pairs, a block of queries at a time."""
    first = 0
    for block in blocks:
        pairs = matches.between(first, first + len(block))
        own = (pairs.rows, pairs.columns)
        is_inter = np.ones(block.shape, bool)
        is_inter[own] = False
        yield block[own][~pairs.is_junk], block[is_inter]
        first += len(block)


def _intra_and_range(
    pairs: Iterator[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, float, float]:
    """All intra distances, rising, and the smallest and the largest distance of all pairs."""
    parts, low, high = [], np.inf, -np.inf
    for intra, inter in pairs:
        parts.append(intra)
        for values in (intra, inter):
            low = min(low, values.min(initial=np.inf))
            high = max(high, values.max(initial=-np.inf))
    return np.sort(np.concatenate(parts)), low, high


def _errors(
    levels: np.ndarray,
    counts: np.ndarray,
    below: np.ndarray,
    up_to: np.ndarray,
    num_inter: int,
    high: float,
) -> dict[str, float]:
    """Compute EER, its threshold and the overlap from the ROC polyline with corners at intra pairs.

    Args:
        levels: distinct intra distances, rising, shape (L,).
        counts: number of intra pairs at each level.
        below: number of inter pairs below each level.
        up_to: number of inter pairs at or below each level.
        num_inter: number of inter pairs.
        high: largest distance of all.
    """
    accepted = counts.cumsum()
    tpr = np.column_stack([accepted - counts, accepted]).ravel() / accepted[-1]
    fpr = np.column_stack([below, up_to]).ravel() / num_inter
    tpr, fpr = (np.concatenate([[0.0], rate, [1.0]]) for rate in (tpr, fpr))
    at = np.concatenate([levels[:1], np.repeat(levels, 2), [high]])
    return dict(
        eer=100 * float(np.interp(1.0, tpr + fpr, fpr)),
        threshold=float(np.interp(1.0, tpr + fpr, at)),
        overlap=100 * float(1 - (tpr - fpr).max()),
    )
