"""Ranking metrics of retrieval: CMC, mAP, mINP and the ranking lists they are made of."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from torch import Tensor

from ..distance import CHUNK_SIZE, DISTANCES, distance_blocks
from ..features import Features
from ..reranking.query_expansion import alpha_query_expansion
from ..reranking.rerank import rerank_blocks
from .block_ranking import AP_FORMS, Observer, Progress, rank_blocks, rank_matches
from .dir_at_fpir import DirAtFpir
from .draws import DrawnGalleries
from .labels import Labels, LabelSets
from .matching import GalleryMatches
from .options import check_keys
from .protocols import ProtocolOption, RankingProtocol, make_protocol
from .ranking_result import RankingLists, RankingResult, check_topk
from .single_shot import SingleGalleryShot
from .verification import TprAtFpr

RERANK_KEYS = ('k1', 'k2', 'lambda_value')
EXPANSION_KEYS = ('k', 'alpha', 'times', 'expand_gallery')
SINGLE_SHOT_KEYS = ('trials', 'seed')
OPEN_SET_KEYS = ('fpir', 'strangers', 'trials', 'seed', 'gallery_sizes')

Options = Mapping[str, Any]


def evaluate_ranking(
    query: Features,
    gallery: Features,
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    protocol: ProtocolOption = 'same_camera',
    query_labels: LabelSets = None,
    gallery_labels: LabelSets = None,
    distance: str = 'cosine',
    ap: str = 'ir',
    topk: Sequence[int] = (1, 5, 10),
    rerank: Options | None = None,
    query_expansion: Options | None = None,
    tpr_at_fpr: Sequence[float] = (),
    single_shot: Options | None = None,
    open_set: Options | None = None,
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
        protocol: what is junk, and which galleries are drawn; see `make_protocol`. Figures of a
            protocol that draws galleries are means over them.
        query_labels: further labels of the queries by name that the protocol reads: `clothes`,
            `image` (equal where query and gallery entry are one image), or any other.
        gallery_labels: the same labels of the gallery.
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
            seed=, gallery_sizes=), to report rates per query (identification) too; of plain
            distances only.
        chunk_size: number of queries whose distances are held at a time.
        backend: whose matrix product, see `choose_backend`.
        progress: called with (done, total) after each block.

    Returns:
        As `RankingResult.summarise`: 'mAP', 'mINP' and 'R<k>' in percent, 'num_valid_queries'
        and 'num_ties'; 'TPR@FPR=<rate>', 'single_shot_R<k>', 'DIR@FPIR=<rate>' and
        'FNIR@FPIR=<rate>' in percent if requested.

    Raises:
        TypeError: if features are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, an option is unknown, a label
            of the protocol is missing, or no query has a positive.
    """
    check_topk(topk)
    _check_input(query, gallery, query_pids, gallery_pids, distance, ap)
    check_keys('rerank', {} if rerank is None else rerank, RERANK_KEYS)
    rule = make_protocol(protocol)
    labels = (query_pids, gallery_pids, query_camids, gallery_camids)
    matches = GalleryMatches(
        *labels, protocol=rule, query_labels=query_labels, gallery_labels=gallery_labels
    )
    check_together(rule, single_shot, open_set, rerank, query_expansion)
    observers = make_observers(topk, tpr_at_fpr, single_shot, open_set, rule, ap)
    if query_expansion is not None:
        check_keys('query_expansion', query_expansion, EXPANSION_KEYS)
        query, gallery = alpha_query_expansion(
            query, gallery, **query_expansion, chunk_size=chunk_size, backend=backend
        )
    if rerank is None:
        blocks = distance_blocks(query, gallery, distance, chunk_size=chunk_size, backend=backend)
    else:
        blocks = rerank_blocks(
            query, gallery, **rerank, chunk_size=chunk_size, backend=backend, progress=progress
        )
        progress = None
    result = rank_matches(blocks, matches, ap=ap, observers=observers, progress=progress)
    return summarise(result, observers, topk)


def make_observers(
    topk: Sequence[int],
    tpr_at_fpr: Sequence[float],
    single_shot: Options | None,
    open_set: Options | None = None,
    protocol: RankingProtocol | None = None,
    ap: str = 'ir',
) -> list[Observer]:
    """Make the observers of `evaluate_ranking`; arguments and errors as there."""
    observers: list[Observer] = []
    if isinstance(tpr_at_fpr, Real) or len(tpr_at_fpr):
        observers.append(TprAtFpr(tpr_at_fpr))
    if single_shot is not None:
        check_keys('single_shot', single_shot, SINGLE_SHOT_KEYS)
        observers.append(SingleGalleryShot(topk, **single_shot))
    if open_set is not None:
        check_keys('open_set', open_set, OPEN_SET_KEYS)
        observers.append(DirAtFpir(**open_set))
    draws = None if protocol is None else protocol.draws
    if draws is not None and draws.own_positive:
        observers.append(SingleGalleryShot(topk, draws.trials, draws.seed, ap, prefix=''))
    elif draws is not None:
        observers.append(DrawnGalleries(draws, topk, ap))
    return observers


def summarise(
    result: RankingResult, observers: Sequence[Observer], topk: Sequence[int]
) -> dict[str, float]:
    """Collect the figures of a ranking and its observers; drawn galleries replace the ranking's.

    Raises:
        ValueError: if no query has a positive.
    """
    numbers = result.summarise(topk)
    for observer in observers:
        numbers |= observer.summarise()
    return numbers


def check_together(
    protocol: RankingProtocol,
    single_shot: Options | None,
    open_set: Options | None,
    *changed: Options | None,
) -> None:
    """Refuse what contradicts a protocol, or an open set.

    Args:
        protocol: of the ranking.
        single_shot, open_set: as of `evaluate_ranking`.
        changed: re-ranking and query expansion, which see the whole gallery.

    Raises:
        ValueError: if two do not go together.
    """
    is_changed = any(options is not None for options in changed)
    if open_set is not None and is_changed:
        raise ValueError(
            'open_set is of plain distances: re-ranking and query expansion see the '
            'entries of the strangers, which are to be left out; evaluate twice'
        )
    if protocol.draws is None:
        return
    if is_changed:
        raise ValueError(
            f'protocol {protocol.name!r} draws galleries: re-ranking and query expansion see the '
            'whole one; leave them out (rerank=None), or name another protocol'
        )
    for name, options in (('single_shot', single_shot), ('open_set', open_set)):
        if options is not None:
            raise ValueError(
                f'protocol {protocol.name!r} draws galleries, and so does {name}: choose one'
            )


def cmc_map(
    distances: np.ndarray | Tensor,
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    protocol: ProtocolOption = 'same_camera',
    query_labels: LabelSets = None,
    gallery_labels: LabelSets = None,
    topk: Sequence[int] = (1, 5, 10),
    ap: str = 'ir',
) -> dict[str, float]:
    """Evaluate as `evaluate_ranking` does, from distances (Q, G), smaller is nearer.

    Raises:
        TypeError: if distances are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, or no query has a positive.
    """
    check_topk(topk)
    rule = make_protocol(protocol)
    observers = make_observers(topk, (), None, None, rule, ap)
    labels = (query_pids, gallery_pids, query_camids, gallery_camids)
    matches = GalleryMatches(
        *labels, protocol=rule, query_labels=query_labels, gallery_labels=gallery_labels
    )
    result = rank_matches([distances], matches, ap=ap, observers=observers)
    return summarise(result, observers, topk)


def ranking_lists(
    distances: np.ndarray | Tensor,
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    k: int = 10,
) -> RankingLists:
    """List the first k gallery entries of each query, without junk, in the order of the metrics.

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
    return rank_blocks([distances], *labels, k=k).require_lists()


def _check_input(
    query: Features,
    gallery: Features,
    query_pids: Labels,
    gallery_pids: Labels,
    distance: str,
    ap: str,
) -> None:
    """Refuse unknown names and lengths that do not fit, before the work."""
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
