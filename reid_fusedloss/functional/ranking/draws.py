"""Galleries drawn at random: the figures of a protocol that ranks several and averages."""

from collections.abc import Sequence

import numpy as np

from .block_ranking import rank_piece
from .matching import GalleryMatches
from .protocols import Draws
from .ranking_result import RankingResult, check_topk


class DrawnGalleries:
    """mAP, mINP and CMC of drawn galleries, averaged over the draws; an observer.

    Of each group of entries (those of one identity, or of one identity and camera) `shots` are
    drawn, without replacement. A query ranks what was drawn and is not junk for it; one without a
    positive is left out of that draw. The draws depend on the seed and the gallery's labels, not on
    the blocks. With `count_identities` the CMC counts the identities whose nearest entry comes
    before the query's own nearest, as the code of SYSU-MM01 does (Wu et al., ICCV 2017).

    Args:
        draws: what is drawn.
        topk: ranks of the CMC to report.
        ap: 'ir' or 'trapezoid', see `rank_blocks`.

    Raises:
        ValueError: if a rank is no positive integer.
    """

    def __init__(self, draws: Draws, topk: Sequence[int], ap: str = 'ir') -> None:
        check_topk(topk)
        self.draws, self.topk, self.ap = draws, tuple(topk), ap
        self._matches: GalleryMatches | None = None
        self._trials: list[tuple[np.ndarray, GalleryMatches, RankingResult]] = []

    def update(self, first: int, block: np.ndarray, matches: GalleryMatches) -> None:
        """Take the distances of some queries, each query once.

        Args:
            first: number of the block's first query.
            block: distances to the gallery, shape (b, G), finite, smaller is nearer; not changed.
            matches: positives and junk of all queries, the same object for all blocks.
        """
        if matches is not self._matches:
            self._start(matches)
        rows = slice(first, first + len(block))
        for columns, part, result in self._trials:
            drawn = block[:, columns]
            rank_piece(drawn, first, part, self.ap, result)
            if self.draws.count_identities:
                ranks = identity_ranks(drawn, first, part)
                result.first_match[rows] = np.where(result.valid[rows], ranks, -1)

    def summarise(self) -> dict[str, float]:
        """'mAP', 'mINP', 'R<k>' in percent, 'num_valid_queries' and 'num_ties': means of the draws.

        Raises:
            ValueError: if in a draw no query has a positive.
        """
        found = [result.summarise(self.topk) for _, _, result in self._trials]
        return {name: float(np.mean([numbers[name] for numbers in found])) for name in found[0]}

    def describe(self) -> str:
        """Describe what was drawn, and how many queries count."""
        sizes = [len(columns) for columns, _, _ in self._trials]
        valid = np.mean([result.valid.sum() for _, _, result in self._trials])
        return (
            f'{self.draws.trials} draws (seed {self.draws.seed}) of {self.draws.shots} for each '
            f'{" and ".join(self.draws.per)}: galleries of {round(np.mean(sizes))} entries, '
            f'{round(valid)} queries with a positive'
        )

    def _start(self, matches: GalleryMatches) -> None:
        """Forget all queries; draw the galleries."""
        self._matches, self._trials = matches, []
        groups = matches.groups(self.draws.per)
        rng = np.random.default_rng(self.draws.seed)
        for _ in range(self.draws.trials):
            columns = draw(groups, self.draws.shots, rng)
            result = RankingResult.empty(matches.num_queries)
            self._trials.append((columns, matches.part(columns), result))


def draw(groups: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    """Draw entries of each group, without replacement.

    Args:
        groups: number of each entry's group, shape (G,), from 0 without gaps.
        shots: number of entries to draw of each group; all of a smaller one.
        rng: source of the draws.

    Returns:
        Gallery indices, ascending.
    """
    order = rng.permutation(len(groups))
    order = order[np.argsort(groups[order], kind='stable')]
    sizes = np.bincount(groups)
    places = np.arange(len(order)) - np.repeat(sizes.cumsum() - sizes, sizes)
    return np.sort(order[places < shots])


def identity_ranks(block: np.ndarray, first: int, matches: GalleryMatches) -> np.ndarray:
    """Rank of each query's own identity among the identities, each at its first entry.

    Args:
        block: distances, shape (b, G); equal ones are ordered by gallery index.
        first: number of the block's first query.
        matches: of these queries and this gallery.

    Returns:
        Ranks from 1, shape (b,); of no meaning for a query without a positive.
    """
    order = np.argsort(block, axis=1, kind='stable')
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(block.shape[1])[None], axis=1)
    places[matches.between(first, first + len(block)).junk] = block.shape[1]
    by_identity = np.argsort(matches.gallery_codes, kind='stable')
    codes, starts = np.unique(matches.gallery_codes[by_identity], return_index=True)
    nearest = np.minimum.reduceat(places[:, by_identity], starts, axis=1)
    wanted = matches.query_codes[first : first + len(block), None]
    own = np.where(codes == wanted, nearest, block.shape[1]).min(axis=1)
    ranks: np.ndarray = 1 + np.count_nonzero(nearest < own[:, None], axis=1)
    return ranks
