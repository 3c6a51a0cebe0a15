"""ReID metric for MMEngine: gather, split, rank, report."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dist import broadcast_object_list

from ..checks import check_choice, check_flag, check_int
from ..functional.backend import choose_backend
from ..functional.distance import CHUNK_SIZE, DISTANCES, check_chunk_size
from ..functional.ranking.block_ranking import AP_FORMS
from ..functional.ranking.protocols import ProtocolOption
from ..functional.ranking.ranking_result import check_topk
from ..logs import log, warn
from ..registry import METRICS
from .by_set import mean_over_sets, split_by_set
from .embeddings import EmbeddingTable
from .metric_options import (
    RERANKED,
    check_prefixes,
    check_reports,
    checked_protocol,
    copied,
    plan_rankings,
    usable_device,
)
from .pooling import pool_table
from .ranking_lists import describe, split_parts
from .ranking_metric import RankingMetric


@METRICS.register_module()
class ReIDMetric(RankingMetric):
    """CMC, mAP and mINP of a test split with `is_query`, optionally re-ranked in the same pass.

    Results are ordered by `sample_idx` and counted once, so world size, batch size and padding of
    the sampler change nothing. The first places of every query are kept in `ranking_lists`.

    Of a `JointReIDDataset` each set is ranked by itself: results stand under its name, as in
    `market1501/reid/mAP`, and `reid/mAP` is their mean, one set counting as much as another.

    Args:
        distance: 'cosine' or 'euclidean'.
        ap: 'ir' (mean of the precisions at the hits; all published tables) or 'trapezoid' (the
            Market-1501 MATLAB code, half a point to a point lower).
        topk: ranks of the CMC.
        use_cameras: leave out gallery images of the query's identity from the query's camera;
            without effect for data without cameras.
        protocol: what is left out of a query's ranking, and which galleries are drawn: a name,
            dict(type=name, ...), or a rule of your own by 'package.module.function'; see
            `make_protocol` and docs/protocols.md. None: the one that the data set names, of a
            `JointReIDDataset` each set's own.
        pool: None, or dict(by='track') to rank tracks, dict(by='pid_camid') to make all queries of
            an identity and camera one; with how='mean', 'quality' or 'best' (k=1), and junk=True;
            see `pool_table`.
        rerank: None, or dict(k1=20, k2=6, lambda_value=0.3) to re-rank as well (Zhong et al., CVPR
            2017); results under `rerank_prefix`.
        query_expansion: None, or dict(k=5, alpha=3.0, times=1, expand_gallery=True) to replace the
            features by weighted means of their neighbourhood before anything is ranked.
        tpr_at_fpr: false positive rates such as (1e-4, 1e-3, 1e-2) at which the true positive rate
            is reported, both over all pairs (verification: are these two the same?).
        single_shot: None, or dict(trials=10, seed=0) to report the CMC of the single-gallery-shot
            protocol (old CUHK03) too.
        open_set: None, or dict(fpir=(0.01, 0.1), strangers=0.5, trials=10, seed=0) to report the
            DIR and FNIR at these FPIRs, all per query (identification: who of the gallery is it,
            if anybody?). A share of the identities, drawn by the seed, are strangers, `trials`
            times; gallery_sizes=(1000,) reports smaller galleries too; see `DirAtFpir`. Only of
            plain distances, not of re-ranked ones.
        compare: rank by every feature that the head gives (see its `test_feature`), by cosine and
            by Euclidean distance, and re-ranked where `rerank` is set; what is not ranked anyway
            stands under `<feature>_<distance>` and `<feature>_rerank`.
        list_length: places of the ranking lists, 0 for none.
        chunk_size: number of queries whose distances are held at a time.
        backend: 'auto', 'numpy' or 'torch', whose matrix product.
        device: where distances are computed, 'cpu' or 'cuda'.
        prefix: of the results, as in `reid/mAP`.
        rerank_prefix: of the re-ranked results.

    Raises:
        TypeError, ValueError: if an option is unknown or out of range, or contradicts another.
    """

    def __init__(
        self,
        distance: str = 'cosine',
        ap: str = 'ir',
        topk: Sequence[int] = (1, 5, 10),
        use_cameras: bool = True,
        protocol: ProtocolOption | None = None,
        pool: Mapping[str, Any] | None = None,
        rerank: Mapping[str, Any] | None = None,
        query_expansion: Mapping[str, Any] | None = None,
        tpr_at_fpr: Sequence[float] = (),
        single_shot: Mapping[str, int] | None = None,
        open_set: Mapping[str, Any] | None = None,
        compare: bool = False,
        list_length: int = 10,
        chunk_size: int = CHUNK_SIZE,
        backend: str = 'auto',
        device: str = 'cpu',
        prefix: str = 'reid',
        rerank_prefix: str = 'rerank',
    ) -> None:
        check_choice('distance', distance, DISTANCES)
        check_choice('ap', ap, AP_FORMS)
        check_flag('use_cameras', use_cameras)
        check_flag('compare', compare)
        check_int('list_length', list_length, least=0)
        check_chunk_size(chunk_size)
        self.device = usable_device(device)
        choose_backend(backend, self.device)
        check_prefixes(prefix, rerank_prefix)
        check_topk(topk)
        super().__init__(prefix)
        self.prefix = None  # names come with their prefix, since there are several
        self.distance, self.ap, self.topk = distance, ap, tuple(topk)
        self.use_cameras, self.pool = use_cameras, copied(pool)
        self.rerank, self.query_expansion = copied(rerank), copied(query_expansion)
        self.tpr_at_fpr, self.single_shot, self.open_set = tpr_at_fpr, single_shot, open_set
        self.compare, self.list_length = compare, list_length
        self.chunk_size, self.backend = chunk_size, backend
        self.prefixes = {prefix: distance, **({} if rerank is None else {rerank_prefix: RERANKED})}
        self.ranking_lists: list[dict[str, Any]] = []
        self._announced, self._asked = False, protocol
        self.use_protocol(None)
        self.begin()

    @property
    def dataset_meta(self) -> Mapping[str, Any] | None:
        """Metadata of the evaluated data set; set by MMEngine before an evaluation."""
        meta: Mapping[str, Any] | None = self._dataset_meta
        return meta

    @dataset_meta.setter
    def dataset_meta(self, meta: Mapping[str, Any] | None) -> None:
        self._dataset_meta = meta
        self.use_protocol((meta or {}).get('protocol'))
        self.begin(self.variant)

    def use_protocol(self, of_data: ProtocolOption | None) -> None:
        """Rank by the protocol of the config or, where it names none, by that of the data.

        Raises:
            TypeError, ValueError: if it is unknown, or contradicts another option.
        """
        option = self._asked or of_data or 'same_camera'
        self.protocol, self.needs = checked_protocol(option, self.use_cameras, self.pool)
        check_reports(
            self.topk,
            self.tpr_at_fpr,
            self.single_shot,
            self.open_set,
            self.rerank,
            self.query_expansion,
            self.protocol,
        )

    def evaluate(self, size: int) -> dict[str, float]:
        """Compute the metrics of all processes' images, on every process.

        Args:
            size: length of the data set.

        Raises:
            ValueError: as `compute_metrics`, on the first process.
            RuntimeError: on the other processes, if the first fails, so that none waits for ever.
        """
        table = self.store.gather(size)
        outcome: list[Any] = [None]
        failure = None
        if table is not None:
            try:
                outcome = [self._compute_by_set(table) or self.compute_metrics(table, size)]
            except Exception as error:
                outcome, failure = [f'{type(error).__name__}: {error}'], error
        broadcast_object_list(outcome)
        if failure is not None:
            raise failure
        if isinstance(outcome[0], str):
            raise RuntimeError(f'the evaluation failed on the first process: {outcome[0]}')
        metrics: dict[str, float] = outcome[0]
        return metrics

    def compute_metrics(self, results: EmbeddingTable, size: int | None = None) -> dict[str, float]:
        """Compute the metrics of all images, in percent, by prefixed name.

        Args:
            results: all images.
            size: how many there should be.

        Raises:
            ValueError: if there is no query, no gallery, or no query with a positive.
        """
        query, gallery = split_parts(results, self.protocol.one_set)
        number = len(results.columns['pid'])
        self.ranking_lists = self.ranking_lists if self.variant else []
        if not self._announced:
            log(f'distances by {choose_backend(self.backend, self.device)} on {self.device}')
            self._announced = True
        if size not in (None, number):
            warn(f'{number} of {size} images of the data set were evaluated')
        if self.pool is not None:
            results = pool_table(results, **self.pool)
            query, gallery = split_parts(results)
            log(f'pooled {self.pool}: {number} images are {len(results.columns["pid"])} features')
        metrics: dict[str, float] = {}
        reranked = self.rerank is not None
        plan = plan_rankings(list(results.features), self.prefixes, self.compare, reranked)
        for name, ways in plan.items():
            features = self.features(results.features[name], query, gallery)
            for prefix, kind in ways.items():
                length = self.list_length if prefix in self.prefixes else 0
                result, numbers = self.rank(features, query, gallery, kind, length)
                metrics |= {f'{prefix}/{key}': value for key, value in numbers.items()}
                if length:
                    about = dict(
                        prefix=prefix + self.variant,
                        distance='re-ranked' if kind == RERANKED else kind,
                    )
                    described = describe(result, query, gallery)
                    self.ranking_lists.append(dict(about, queries=described))
        return metrics

    def _compute_by_set(self, table: EmbeddingTable) -> dict[str, float]:
        """Compute the metrics of each set of a joint test set, and their means; {} for one set.

        The ranking lists are those of all sets, each under the name of its set.
        """
        lists = self.ranking_lists if self.variant else []
        found: dict[str, dict[str, float]] = {}
        for name, part, size in split_by_set(table, self.dataset_meta):
            self.ranking_lists = []
            self.use_protocol((self.dataset_meta or {})['sets'][name].get('protocol'))
            try:
                found[name] = self.compute_metrics(part, size)
            except ValueError as error:
                raise ValueError(f'{name}: {error}') from error
            lists = lists + [
                dict(each, prefix=f'{name}/{each["prefix"]}') for each in self.ranking_lists
            ]
        if found:
            self.ranking_lists = lists
            log(
                'each set is evaluated by itself; figures without the name of a set are means over '
                f'{list(found)}'
            )
        return mean_over_sets(found)
