"""Re-rank the candidates of a search."""

from dataclasses import dataclass

import numpy as np

from ..checks import check_int
from ..functional.reranking.rerank import check_rerank_options, k_reciprocal_rerank


@dataclass(frozen=True)
class Rerank:
    """k-reciprocal re-ranking (Zhong et al., CVPR 2017) among the nearest candidates of a query.

    Each query is independent: the neighbours of the query and of each candidate are taken from the
    query and its candidates only. So the result does not depend on other queries, and the time does
    not depend on the size of the gallery. If the candidates are the whole gallery, it equals
    `functional.k_reciprocal_rerank` of this one query; with fewer it differs from re-ranking a
    whole test set, where other queries and far entries count too. Entries outside the candidates
    are never found.

    Attributes:
        candidates: number of nearest entries to re-rank; a search uses at least k.
        k1: size of the k-reciprocal sets.
        k2: number of neighbours whose encodings are averaged.
        lambda_value: weight of the original distance, 0 to 1.
    """

    candidates: int = 100
    k1: int = 20
    k2: int = 6
    lambda_value: float = 0.3

    def __post_init__(self) -> None:
        check_int('candidates', self.candidates)
        check_rerank_options(self.k1, self.k2, self.lambda_value)

    def distances(self, query: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Compute the re-ranked distances of one query.

        Args:
            query: feature, shape (C,).
            candidates: features, shape (M, C), nearest first.

        Returns:
            Shape (M,), float32.
        """
        if not len(candidates):
            return np.empty(0, np.float32)
        reranked = k_reciprocal_rerank(
            query[None], candidates, k1=self.k1, k2=self.k2, lambda_value=self.lambda_value
        )
        return reranked[0].numpy()
