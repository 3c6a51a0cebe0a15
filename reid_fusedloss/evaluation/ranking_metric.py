"""Rank the embeddings of a test set by one distance after the other."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from ..functional.distance import distance_blocks
from ..functional.ranking.block_ranking import Observer, rank_blocks
from ..functional.ranking.dir_at_fpir import DirAtFpir
from ..functional.ranking.draws import DrawnGalleries
from ..functional.ranking.evaluate import make_observers, summarise
from ..functional.ranking.protocols import RankingProtocol
from ..functional.ranking.ranking_result import RankingResult
from ..functional.reranking.query_expansion import alpha_query_expansion
from ..functional.reranking.rerank import rerank_blocks
from ..logs import log
from .embeddings import EmbeddingMetric
from .metric_options import RERANKED, Options
from .progress import LogProgress
from .ranking_lists import Part, cameras


class RankingMetric(EmbeddingMetric):
    """The part of `ReIDMetric` that ranks; the options are explained there."""

    ap: str
    topk: tuple[int, ...]
    use_cameras: bool
    protocol: RankingProtocol
    rerank: Options
    query_expansion: Options
    tpr_at_fpr: Sequence[float]
    single_shot: Options
    open_set: Options
    chunk_size: int
    backend: str
    device: torch.device

    def features(
        self, features: np.ndarray, query: Part, gallery: Part
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Query and gallery features on their device, expanded if requested."""
        asked, there = (
            torch.from_numpy(part.take(features)).to(self.device) for part in (query, gallery)
        )
        if self.query_expansion is None:
            return asked, there
        log(f'query expansion: {self.query_expansion}')
        return alpha_query_expansion(
            asked, there, **self.query_expansion, chunk_size=self.chunk_size, backend=self.backend
        )

    def rank(
        self,
        features: tuple[torch.Tensor, torch.Tensor],
        query: Part,
        gallery: Part,
        kind: str,
        list_length: int,
    ) -> tuple[RankingResult, dict[str, float]]:
        """Rank by a distance or re-rank; return the result and the numbers to report."""
        reranked = kind == RERANKED
        progress = LogProgress('re-ranking' if reranked else 'ranking')
        observers = make_observers(
            self.topk,
            self.tpr_at_fpr,
            self.single_shot,
            None if reranked else self.open_set,
            self.protocol,
            self.ap,
        )
        result = rank_blocks(
            self._blocks(features, kind, progress),
            query.pids,
            gallery.pids,
            *cameras(query, gallery, self.use_cameras),
            protocol=self.protocol,
            query_labels=query.labels,
            gallery_labels=gallery.labels,
            ap=self.ap,
            k=list_length,
            observers=observers,
            progress=None if reranked else progress,
        )
        numbers = summarise(result, observers, self.topk)
        del numbers['num_valid_queries'], numbers['num_ties']
        _log_ranking(kind, self.protocol.name, result, observers)
        return result, numbers

    def _blocks(
        self, features: tuple[torch.Tensor, torch.Tensor], kind: str, progress: LogProgress
    ) -> Iterable[np.ndarray]:
        options: dict[str, Any] = dict(chunk_size=self.chunk_size, backend=self.backend)
        if kind != RERANKED:
            return distance_blocks(*features, kind, **options)
        options.update(self.rerank or {}, progress=progress)
        return rerank_blocks(*features, **options)


def _log_ranking(
    kind: str, protocol: str, result: RankingResult, observers: Sequence[Observer]
) -> None:
    """Log what a ranking leaves out, ties that the order of files decides, and what was drawn."""
    left_out, ties = int((~result.valid).sum()), int(result.num_ties.sum())
    if left_out:
        log(
            f'{left_out} of {len(result.valid)} queries have no positive in the gallery '
            'and are left out'
        )
    if ties:
        log(
            f'{kind}: {ties} positives lie at exactly the distance of a negative; the '
            'order of the files decides'
        )
    for observer in observers:
        if isinstance(observer, DirAtFpir):
            log(f'{kind}, open set: {observer.describe()}')
        elif isinstance(observer, DrawnGalleries):
            log(f'{kind}, {protocol}: {observer.describe()}')
