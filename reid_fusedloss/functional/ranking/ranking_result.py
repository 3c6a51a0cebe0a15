"""What a ranking leaves behind: numbers per query, and their averages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch

from ..reranking.neighbours import smallest
from .matching import GalleryMatches


def check_topk(topk: Sequence[int]) -> None:
    """Raise a ValueError if a rank of the CMC is no positive integer."""
    if not isinstance(topk, Collection):
        raise ValueError(f'topk is a sequence of ranks such as (1, 5, 10), got {topk!r}')
    if not all(isinstance(k, Integral) and k >= 1 for k in topk):
        raise ValueError(f'topk holds ranks of the CMC, integers from 1, got {topk}')


@dataclass(frozen=True)
class RankingLists:
    """The first k entries of each query's ranking, junk removed.

    Attributes:
        indices: gallery indices, shape (Q, k), int64; -1 where fewer than k entries remain.
        distances: their distances, shape (Q, k), float64; inf where the index is -1.
        matches: whether they have the query's identity, shape (Q, k), bool.
    """

    indices: np.ndarray
    distances: np.ndarray
    matches: np.ndarray

    @classmethod
    def empty(cls, num_queries: int, k: int) -> 'RankingLists':
        """Lists without entries."""
        shape = (num_queries, k)
        return cls(np.full(shape, -1), np.full(shape, np.inf), np.zeros(shape, dtype=bool))

    def fill(self, first: int, block: np.ndarray, matches: GalleryMatches) -> None:
        """Write the lists of the queries from `first` on, from their distances (b, G)."""
        own = [matches.of(query) for query in range(first, first + len(block))]
        block = block.copy()
        for row, (_, junk) in zip(block, own):
            row[junk] = np.inf
        count = min(self.indices.shape[1], block.shape[1])
        values, indices = (part.numpy() for part in smallest(torch.from_numpy(block), count))
        indices[np.isinf(values)] = -1
        rows = slice(first, first + len(block))
        self.distances[rows, :count] = values
        self.indices[rows, :count] = indices
        for query, (positives, _) in enumerate(own, first):
            self.matches[query] = np.isin(self.indices[query], positives)


@dataclass(frozen=True)
class RankingResult:
    """Numbers of each query; all arrays have shape (Q,).

    Attributes:
        average_precision: average precision in 0..1, NaN without a positive.
        inverse_negative_penalty: INP in 0..1, NaN without a positive.
        first_match: rank of the first positive, from 1; -1 without a positive.
        num_positives: number of positives, int64.
        num_ties: positives at exactly the distance of a negative: the gallery's order decides.
        lists: the ranking lists, None if not requested.
    """

    average_precision: np.ndarray
    inverse_negative_penalty: np.ndarray
    first_match: np.ndarray
    num_positives: np.ndarray
    num_ties: np.ndarray
    lists: RankingLists | None = None

    @classmethod
    def empty(cls, num_queries: int, k: int = 0) -> 'RankingResult':
        """Make a result without positives, with empty lists of length k if k > 0."""
        return cls(
            np.full(num_queries, np.nan),
            np.full(num_queries, np.nan),
            np.full(num_queries, -1),
            np.zeros(num_queries, dtype=np.int64),
            np.zeros(num_queries, dtype=np.int64),
            RankingLists.empty(num_queries, k) if k else None,
        )

    @property
    def valid(self) -> np.ndarray:
        """Queries with a positive, bool: the others are left out of every average."""
        return self.num_positives > 0

    def cmc(self, max_rank: int) -> np.ndarray:
        """Compute the cumulative matching characteristic in percent, shape (max_rank,).

        Entry k - 1 is the share of the valid queries with a positive among the first k; it stays
        constant beyond the gallery's size.

        Raises:
            ValueError: if max_rank is not positive or no query has a positive.
        """
        check_topk([max_rank])
        first = self.first_match[self._require_valid()]
        hits = np.bincount(np.minimum(first, max_rank + 1), minlength=max_rank + 2)
        return 100 * hits.cumsum()[1 : max_rank + 1] / len(first)

    def summarise(self, topk: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
        """Average the figures over the queries with a positive.

        Args:
            topk: ranks of the CMC to report; a rank beyond the gallery is its last value.

        Returns:
            'mAP', 'mINP' and 'R<k>' in percent; 'num_valid_queries', the number of queries with
            a positive; 'num_ties', the number of positives at the distance of a negative.

        Raises:
            ValueError: if a rank is not positive or no query has a positive.
        """
        check_topk(topk)
        valid = self._require_valid()
        curve = self.cmc(max(topk, default=1))
        return {
            'mAP': 100 * float(self.average_precision[valid].mean()),
            'mINP': 100 * float(self.inverse_negative_penalty[valid].mean()),
            **{f'R{k}': float(curve[k - 1]) for k in topk},
            'num_valid_queries': float(valid.sum()),
            'num_ties': float(self.num_ties.sum()),
        }

    def require_lists(self) -> RankingLists:
        """Return the ranking lists; raise a ValueError if none were requested."""
        if self.lists is None:
            raise ValueError('the ranking was made without lists: give k, their length')
        return self.lists

    def _require_valid(self) -> np.ndarray:
        if not self.valid.any():
            raise ValueError(
                f'none of the {len(self.num_positives)} queries has a positive in '
                'the gallery: check pids and camids'
            )
        return self.valid
