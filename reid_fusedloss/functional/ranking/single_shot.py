"""Single-gallery-shot CMC: each gallery identity is represented by one image."""

from collections.abc import Sequence
from numbers import Integral

import numpy as np

from .matching import GalleryMatches
from .ranking_result import check_topk


def check_single_shot(trials: int = 10, seed: int = 0) -> None:
    """Raise a ValueError if trials is no positive integer or seed no integer from 0."""
    if not isinstance(trials, Integral) or trials < 1:
        raise ValueError(f'trials is the number of random draws, an integer from 1, got {trials!r}')
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f'seed is an integer from 0, got {seed!r}')


class SingleGalleryShot:
    """CMC of the single-gallery-shot protocol (Li et al., CVPR 2014: CUHK03); an observer.

    In each trial every gallery identity is represented by one of its images, drawn at random, and
    the query's own identity by one of its positives. The rank of a query is the number of nearer
    images of the other identities, plus one; equal distances are ordered by gallery index. The CMC
    is averaged over trials and over the queries with a positive. As in torchreid's
    `use_metric_cuhk03`, images that share an identity, distractors too, are one identity.

    All queries of a trial meet the same images of the other identities, where torchreid draws for
    each query anew: the expectation is the same. The draws depend on the seed and the labels, not
    on the blocks. An observer watches one ranking at a time: other `GalleryMatches` start anew.

    Args:
        topk: ranks of the CMC to report; beyond the number of identities it is 100.
        trials: number of random draws.
        seed: seed of the draws.

    Raises:
        ValueError: if a rank or trials is no positive integer, or seed no integer from 0.
    """

    def __init__(self, topk: Sequence[int], trials: int = 10, seed: int = 0) -> None:
        check_topk(topk)
        check_single_shot(trials, seed)
        self.topk, self.trials, self.seed = tuple(topk), trials, seed
        self._matches: GalleryMatches | None = None
        self._num_valid = 0

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
            positives, _ = matches.of(query)
            if len(positives):
                self._num_valid += 1
                ranks = self._ranks(row, positives, self._fractions[query])
                self._hits += [np.count_nonzero(ranks <= k) for k in self.topk]

    def summarise(self) -> dict[str, float]:
        """'single_shot_R<k>' in percent for each rank.

        Raises:
            ValueError: if no query had a positive.
        """
        if not self._num_valid:
            raise ValueError('no query has a positive in the gallery: check pids and camids')
        shares = self._hits / (self.trials * self._num_valid)
        return {f'single_shot_R{k}': 100 * float(share) for k, share in zip(self.topk, shares)}

    def _start(self, matches: GalleryMatches) -> None:
        """Forget all queries; draw for all trials."""
        self._matches, self._num_valid = matches, 0
        self._hits = np.zeros(len(self.topk), dtype=np.int64)
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
        return 1 + np.count_nonzero(nearer, axis=1)
