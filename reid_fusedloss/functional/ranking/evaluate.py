"""Ranking metrics of retrieval: CMC, mAP, mINP and the ranking lists they are made of."""

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
from torch import Tensor

from ..distance import CHUNK_SIZE, DISTANCES, distance_blocks
from ..features import Features
from ..reranking.query_expansion import alpha_query_expansion
from ..reranking.rerank import rerank_blocks
from .block_ranking import AP_FORMS, Observer, Progress, rank_blocks
from .dir_at_fpir import DirAtFpir
from .matching import GalleryMatches, Labels
from .ranking_result import RankingLists, check_topk
from .single_shot import SingleGalleryShot
from .verification import TprAtFpr

RERANK_KEYS = ('k1', 'k2', 'lambda_value')
EXPANSION_KEYS = ('k', 'alpha', 'times', 'expand_gallery')
SINGLE_SHOT_KEYS = ('trials', 'seed')
OPEN_SET_KEYS = ('fpir', 'strangers', 'trials', 'seed')


def evaluate_ranking(
    query: Features,
    gallery: Features,
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    distance: str = 'cosine',
    ap: str = 'ir',
    topk: Sequence[int] = (1, 5, 10),
    rerank: Mapping | None = None,
    query_expansion: Mapping | None = None,
    tpr_at_fpr: Sequence[float] = (),
    single_shot: Mapping | None = None,
    open_set: Mapping | None = None,
    chunk_size: int = CHUNK_SIZE,
    backend: str = 'auto',
    progress: Progress | None = None,
) -> dict[str, float]:
    """Rank the gallery for each query by its features; no (Q, G) matrix need be held.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (G, C).
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, G integers or strings.
        query_camids: cameras, Q integers or strings, or None: no entry is junk.
        gallery_camids: cameras, G integers or strings, or None.
        distance: 'cosine' or 'euclidean'; of no effect on re-ranking, see there.
        ap: 'ir' or 'trapezoid', see `rank_blocks`.
        topk: ranks of the CMC to report.
        rerank: None, or the options of `k_reciprocal_rerank`: {} or dict(k1=, k2=, lambda_value=).
        query_expansion: None, or the options of `alpha_query_expansion`: {} or dict(k=, alpha=,
            times=, expand_gallery=); comes before the re-ranking.
        tpr_at_fpr: false positive rates at which the true positive rate is reported, both over
            pairs (verification), see `TprAtFpr`.
        single_shot: None, or the options of `SingleGalleryShot`: {} or dict(trials=, seed=), to
            report its CMC too.
        open_set: None, or the options of `DirAtFpir`: {} or dict(fpir=, strangers=, trials=,
            seed=), to report rates per query (identification) too; of plain distances alone.
        chunk_size: number of queries whose distances are held at a time.
        backend: whose matrix product, see `choose_backend`.
        progress: called with (done, total) after each block.

    Returns:
        As `RankingResult.summarise`: 'mAP', 'mINP' and 'R<k>' in percent, 'num_valid_queries'
        and 'num_ties'; 'TPR@FPR=<rate>', 'single_shot_R<k>', 'DIR@FPIR=<rate>' and
        'FNIR@FPIR=<rate>' in percent where asked for.

    Raises:
        TypeError: if features are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, an option is unknown, or no
            query has a positive.
    """
    check_topk(topk)
    if distance not in DISTANCES or ap not in AP_FORMS:
        raise ValueError(
            f'distance is one of {DISTANCES}, ap one of {AP_FORMS}, got '
            f'distance={distance!r}, ap={ap!r}'
        )
    if (len(query), len(gallery)) != (len(query_pids), len(gallery_pids)):
        raise ValueError(
            f'{len(query)} query and {len(gallery)} gallery features, but '
            f'{len(query_pids)} and {len(gallery_pids)} pids'
        )
    check_keys('rerank', {} if rerank is None else rerank, RERANK_KEYS)
    GalleryMatches(query_pids, gallery_pids, query_camids, gallery_camids)  # bad labels, at once
    check_plain(open_set, rerank, query_expansion)
    observers = make_observers(topk, tpr_at_fpr, single_shot, open_set)
    engine = dict(chunk_size=chunk_size, backend=backend)
    if query_expansion is not None:
        check_keys('query_expansion', query_expansion, EXPANSION_KEYS)
        query, gallery = alpha_query_expansion(query, gallery, **query_expansion, **engine)
    if rerank is None:
        blocks = distance_blocks(query, gallery, distance, **engine)
    else:
        blocks = rerank_blocks(query, gallery, **rerank, **engine, progress=progress)
        progress = None
    result = rank_blocks(
        blocks,
        query_pids,
        gallery_pids,
        query_camids,
        gallery_camids,
        ap=ap,
        observers=observers,
        progress=progress,
    )
    numbers = result.summarise(topk)
    for observer in observers:
        numbers |= observer.summarise()
    return numbers


def make_observers(
    topk: Sequence[int],
    tpr_at_fpr: Sequence[float],
    single_shot: Mapping | None,
    open_set: Mapping | None = None,
) -> list[Observer]:
    """What `evaluate_ranking` reports beside the ranks; arguments and errors as there."""
    observers: list[Observer] = []
    if isinstance(tpr_at_fpr, Real) or len(tpr_at_fpr):
        observers.append(TprAtFpr(tpr_at_fpr))
    if single_shot is not None:
        check_keys('single_shot', single_shot, SINGLE_SHOT_KEYS)
        observers.append(SingleGalleryShot(topk, **single_shot))
    if open_set is not None:
        check_keys('open_set', open_set, OPEN_SET_KEYS)
        observers.append(DirAtFpir(**open_set))
    return observers


def check_plain(open_set: Mapping | None, *changed: Mapping | None) -> None:
    """Refuse open-set rates of distances that depend on the whole gallery, strangers included.

    Raises:
        ValueError: if something of `changed`, re-ranking or query expansion, is asked for too.
    """
    if open_set is not None and any(options is not None for options in changed):
        raise ValueError(
            'open_set is of plain distances: re-ranking and query expansion see the '
            'entries of the strangers, which are to be left out; evaluate twice'
        )


def check_keys(name: str, options: Mapping, known: Sequence[str]) -> None:
    """Raise an error if options are no mapping (TypeError) or hold an unknown key (ValueError)."""
    if not isinstance(options, Mapping):
        raise TypeError(f'{name} is a dict with keys of {tuple(known)}, got {options!r}')
    unknown = set(options) - set(known)
    if unknown:
        raise ValueError(f'unknown keys {sorted(unknown)} in {name}, known are {tuple(known)}')


def cmc_map(
    distances: np.ndarray | Tensor,
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    topk: Sequence[int] = (1, 5, 10),
    ap: str = 'ir',
) -> dict[str, float]:
    """The same as `evaluate_ranking` from given distances, shape (Q, G), smaller is nearer.

    Raises:
        TypeError: if distances are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, or no query has a positive.
    """
    check_topk(topk)
    labels = (query_pids, gallery_pids, query_camids, gallery_camids)
    return rank_blocks([distances], *labels, ap=ap).summarise(topk)


def ranking_lists(
    distances: np.ndarray | Tensor,
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    k: int = 10,
) -> RankingLists:
    """The first k gallery entries of each query without junk, in the order of the metrics.

    Args:
        distances: shape (Q, G), smaller is nearer.
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, G integers or strings.
        query_camids: cameras, Q integers or strings, or None: no entry is junk.
        gallery_camids: cameras, G integers or strings, or None.
        k: length of the lists.

    Raises:
        TypeError: if distances are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, or k is not positive.
    """
    if k < 1:
        raise ValueError(f'k is the length of the lists, at least 1, got {k}')
    labels = (query_pids, gallery_pids, query_camids, gallery_camids)
    return rank_blocks([distances], *labels, k=k).lists
