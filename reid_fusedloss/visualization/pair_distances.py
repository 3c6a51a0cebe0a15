"""How far images of one identity lie apart, how far those of two, and how much the two overlap."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..functional import distance_blocks
from ..functional.features import Features
from ..functional.ranking.matching import GalleryMatches, Labels


@dataclass(frozen=True)
class PairDistances:
    """Distances of all pairs of a query and a gallery image, junk left out.

    Attributes:
        edges: of the bins, shape (B + 1,).
        intra: density of pairs of one identity in each bin, shape (B,); its area is 1.
        inter: the same of pairs of two identities.
        num_intra: number of pairs of one identity.
        num_inter: number of pairs of two identities.
        intra_mean: mean distance of pairs of one identity.
        inter_mean: mean distance of pairs of two identities.
        eer: equal error rate in percent: where as large a share of the intra pairs lies above a
            threshold as of the inter pairs below it, on the ROC polyline (as scikit-learn's).
        threshold: the distance where it does.
        overlap: in percent, the least sum of both error rates at any threshold. It is the area
            that both densities have in common if they cross once, and it needs no bins.
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
    """Distributions of the distances within and between identities; exact, in two passes.

    Memory is that of a block of distances and of all intra pairs.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (G, C).
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, G integers or strings.
        query_camids: cameras, or None. Pairs of one identity in one camera are junk.
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

    parts, low, high = [], np.inf, -np.inf
    for intra, inter in pairs():
        parts.append(intra)
        for values in (intra, inter):
            low = min(low, values.min(initial=np.inf))
            high = max(high, values.max(initial=-np.inf))
    positives = np.sort(np.concatenate(parts))
    if not len(positives) or not matches.num_negatives:
        raise ValueError(
            f'{len(positives)} pairs of one identity and {matches.num_negatives} of '
            'two: there is nothing to compare, check pids and camids'
        )
    num_bins = int(np.clip(2 * len(positives) ** (1 / 3), 20, 100))
    edges = np.linspace(low, high if high > low else low + 1, num_bins + 1)
    levels, counts = np.unique(positives, return_counts=True)
    below, up_to, histogram, total = 0, 0, 0, 0.0
    for _, inter in pairs():
        inter.sort()
        below = below + np.searchsorted(inter, levels, 'left')
        up_to = up_to + np.searchsorted(inter, levels, 'right')
        histogram = histogram + np.histogram(inter, edges)[0]
        total += inter.sum(dtype=np.float64)
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
    """Distances of the intra and of the inter pairs, a block of queries at a time."""
    first = 0
    for block in blocks:
        intra, is_inter = [], np.ones(block.shape, bool)
        for number, row in enumerate(block):
            positives, junk = matches.of(first + number)
            intra.append(row[positives])
            is_inter[number, positives] = is_inter[number, junk] = False
        yield np.concatenate(intra), block[is_inter]
        first += len(block)


def _errors(
    levels: np.ndarray,
    counts: np.ndarray,
    below: np.ndarray,
    up_to: np.ndarray,
    num_inter: int,
    high: float,
) -> dict[str, float]:
    """EER, its threshold and the overlap from the ROC polyline, whose corners lie at intra pairs.

    Args:
        levels: distinct intra distances, rising, shape (L,).
        counts: intra pairs at each.
        below: inter pairs nearer than each.
        up_to: inter pairs as near as each, or nearer.
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
