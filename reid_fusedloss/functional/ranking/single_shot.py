"""Single-gallery-shot CMC: each gallery identity is represented by one image."""

from collections.abc import Sequence

import numpy as np

from .matching import GalleryMatches
from .options import check_draws
from .ranking_result import check_topk


class SingleGalleryShot:
    """Figures of the single-gallery-shot protocol (Li et al., CVPR 2014: CUHK03); an observer.

    In each trial every gallery identity is represented by one of its images, drawn at random, and
    the query's own identity by one of its positives. The rank of a query is the number of nearer
    images of the other identities, plus one; equal distances are ordered by gallery index. The CMC
    is averaged over trials and over the queries with a positive. As in torchreid's
    `use_metric_cuhk03`, images that share an identity, distractors too, are one identity.

    All queries of a trial meet the same images of the other identities, where torchreid draws for
    each query again: the expectation is the same. The draws depend on the seed and the labels, not
    on the blocks. An observer watches one ranking at a time: other `GalleryMatches` start again.

    Args:
        topk: ranks of the CMC to report; beyond the number of identities it is 100.
        trials: number of random draws.
        seed: seed of the draws.
        ap: 'ir' or 'trapezoid', see `rank_blocks`.
        prefix: of the names of the figures; '': they take the place of those of the whole gallery.

    Raises:
        ValueError: if a rank or trials is no positive integer, or seed no integer from 0.
    """

    def __init__(
        self,
        topk: Sequence[int],
        trials: int = 10,
        seed: int = 0,
        ap: str = 'ir',
        prefix: str = 'single_shot_',
    ) -> None:
        check_topk(topk)
        check_draws(trials, seed)
        self.topk, self.trials, self.seed = tuple(topk), trials, seed
        self.ap, self.prefix = ap, prefix
        self._matches: GalleryMatches | None = None
        self._found: list[np.ndarray] = []

    def update(self, first: int, block: np.ndarray, matches: GalleryMatches) -> None:
        """Take the distances of some queries, each query once.

        Args:
            first: number of the block's first query.
            block: distances to the gallery, shape (b, G), finite, smaller is nearer; not changed.
            matches: positives and junk of all queries, the same object for all blocks.
        """
        if matches is not self._matches:
            self._start(matches)
        for query, row in enumerate(block, first):
            positives, junk = matches.of(query)
            if len(positives):
                if not matches.protocol.within_identity:
                    row = row.copy()
                    row[junk] = np.inf
                self._found.append(self._ranks(row, positives, self._fractions[query]))

    def summarise(self) -> dict[str, float]:
        """'<prefix>R<k>' in percent for each rank; without a prefix 'mAP', 'mINP' and
        'num_valid_queries' too: a query has one positive, at its rank.

        Raises:
            ValueError: if no query had a positive.
        """
        if not self._found:
            raise ValueError('no query has a positive in the gallery: check pids and camids')
        ranks = np.stack(self._found)
        curve = {f'{self.prefix}R{k}': 100 * float(np.mean(ranks <= k)) for k in self.topk}
        if self.prefix:
            return curve
        inverse = 1 / ranks
        precision = inverse if self.ap == 'ir' else np.where(ranks == 1, 1, inverse / 2)
        return {
            'mAP': 100 * float(precision.mean()),
            'mINP': 100 * float(inverse.mean()),
            **curve,
            'num_valid_queries': float(len(ranks)),
        }

    def _start(self, matches: GalleryMatches) -> None:
        """Forget all queries; draw for all trials."""
        self._matches, self._found = matches, []
        _, self._identities, sizes = np.unique(
            matches.gallery_codes, return_inverse=True, return_counts=True
        )
        order = np.argsort(self._identities, kind='stable')
        rng = np.random.default_rng(self.seed)
        drawn = rng.integers(sizes, size=(self.trials, len(sizes)))
        self._shots = order[np.cumsum(sizes) - sizes + drawn]
        self._fractions = rng.random((matches.num_queries, self.trials))

    def _ranks(self, row: np.ndarray, positives: np.ndarray, fractions: np.ndarray) -> np.ndarray:
        """Rank of a query in each trial, from its distances (G,) and random numbers in [0, 1)."""
        own = positives[(fractions * len(positives)).astype(np.int64)][:, None]
        values, reach = row.take(self._shots), row[own]
        values[:, self._identities[positives[0]]] = np.inf
        nearer = (values < reach) | ((values == reach) & (self._shots < own))
        ranks: np.ndarray = 1 + np.count_nonzero(nearer, axis=1)
        return ranks
