"""Ranking metrics of retrieval: CMC, mAP, mINP and the ranking lists they are made of."""
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Optional, Union

import numpy as np
from torch import Tensor

from .distance import CHUNK_SIZE, distance_blocks
from .features import Features
from .matching import GalleryMatches, Labels
from .ranking_result import RankingLists, RankingResult, check_topk
from .rerank import rerank_blocks

Progress = Callable[[int, int], None]

AP_FORMS = ('ir', 'trapezoid')
RERANK_KEYS = ('k1', 'k2', 'lambda_value')


def evaluate_ranking(query: Features,
                     gallery: Features,
                     query_pids: Labels,
                     gallery_pids: Labels,
                     query_camids: Optional[Labels] = None,
                     gallery_camids: Optional[Labels] = None,
                     *,
                     distance: str = 'cosine',
                     ap: str = 'ir',
                     topk: Sequence[int] = (1, 5, 10),
                     rerank: Optional[dict] = None,
                     chunk_size: int = CHUNK_SIZE,
                     progress: Optional[Progress] = None) -> dict[str, float]:
    """Rank the gallery for each query by its features; no (Q, G) matrix is held.

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
        chunk_size: number of queries whose distances are held at a time.
        progress: called with (done, total) after each block.

    Returns:
        As `RankingResult.summarise`: 'mAP', 'mINP' and 'R<k>' in percent, 'num_valid_queries'
        and 'num_ties'.

    Raises:
        TypeError: if features are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, an option is unknown, or no
            query has a positive.
    """
    check_topk(topk)
    if (len(query), len(gallery)) != (len(query_pids), len(gallery_pids)):
        raise ValueError(f'{len(query)} query and {len(gallery)} gallery features, but '
                         f'{len(query_pids)} and {len(gallery_pids)} pids')
    labels = (query_pids, gallery_pids, query_camids, gallery_camids)
    if rerank is None:
        blocks = distance_blocks(query, gallery, distance, chunk_size=chunk_size)
        return rank_blocks(blocks, *labels, ap=ap, progress=progress).summarise(topk)
    unknown = set(rerank) - set(RERANK_KEYS)
    if unknown:
        raise ValueError(f'unknown keys {sorted(unknown)} in rerank, known are {RERANK_KEYS}')
    blocks = rerank_blocks(query, gallery, **rerank, chunk_size=chunk_size, progress=progress)
    return rank_blocks(blocks, *labels, ap=ap).summarise(topk)


def cmc_map(distances: Union[np.ndarray, Tensor],
            query_pids: Labels,
            gallery_pids: Labels,
            query_camids: Optional[Labels] = None,
            gallery_camids: Optional[Labels] = None,
            *,
            topk: Sequence[int] = (1, 5, 10),
            ap: str = 'ir') -> dict[str, float]:
    """The same as `evaluate_ranking` from given distances, shape (Q, G), smaller is nearer.

    Raises:
        TypeError: if distances are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, or no query has a positive.
    """
    check_topk(topk)
    labels = (query_pids, gallery_pids, query_camids, gallery_camids)
    return rank_blocks([distances], *labels, ap=ap).summarise(topk)


def ranking_lists(distances: Union[np.ndarray, Tensor],
                  query_pids: Labels,
                  gallery_pids: Labels,
                  query_camids: Optional[Labels] = None,
                  gallery_camids: Optional[Labels] = None,
                  *,
                  k: int = 10) -> RankingLists:
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


def rank_blocks(blocks: Iterable[Union[np.ndarray, Tensor]],
                query_pids: Labels,
                gallery_pids: Labels,
                query_camids: Optional[Labels] = None,
                gallery_camids: Optional[Labels] = None,
                *,
                ap: str = 'ir',
                k: int = 0,
                progress: Optional[Progress] = None) -> RankingResult:
    """Rank each query's gallery, block by block, without an argsort.

    The rank of a positive is the number of nearer entries that are not junk, plus one; equal
    distances are ordered by gallery index. With r_1 < ... < r_P the ranks of the P positives,
    `ap='ir'` is the mean of the precisions i / r_i, and `ap='trapezoid'` the mean of
    (i / r_i + (i - 1) / (r_i - 1)) / 2, with 0 / 0 = 1 (Zheng et al., ICCV 2015, the Market-1501
    code). The inverse negative penalty is P / r_P (Ye et al., TPAMI 2021).

    Args:
        blocks: distances of consecutive queries to the gallery, shapes (b, G), smaller is nearer:
            `distance_blocks`, `rerank_blocks` or a list of one matrix. They are not changed.
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, G integers or strings.
        query_camids: cameras, Q integers or strings, or None: no entry is junk.
        gallery_camids: cameras, G integers or strings, or None.
        ap: 'ir' or 'trapezoid'.
        k: length of the ranking lists to keep; 0 keeps none.
        progress: called with (done, total) queries after each block.

    Raises:
        TypeError: if distances are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit.
    """
    if ap not in AP_FORMS:
        raise ValueError(f'ap is one of {AP_FORMS}, got {ap!r}')
    matches = GalleryMatches(query_pids, gallery_pids, query_camids, gallery_camids)
    result = RankingResult.empty(matches.num_queries, k)
    for query, row in enumerate(_rows(blocks, matches, progress)):
        positives, junk = matches.of(query)
        ordered = np.sort(row)
        if not np.isfinite(ordered[[0, -1]]).all():
            index = int(np.flatnonzero(~np.isfinite(row))[0])
            raise ValueError(f'the distance of query {query} to gallery entry {index} is '
                             f'{row[index]}, expected finite distances')
        if len(positives):
            ranks, result.num_ties[query] = _ranks(row, ordered, positives, junk)
            result.average_precision[query] = _average_precision(ranks, ap)
            result.inverse_negative_penalty[query] = len(ranks) / ranks[-1]
            result.first_match[query] = ranks[0]
            result.num_positives[query] = len(ranks)
        if k:
            result.lists.fill(query, row, ordered, positives, junk)
    return result


def _rows(blocks: Iterable[Union[np.ndarray, Tensor]], matches: GalleryMatches,
          progress: Optional[Progress]) -> Iterator[np.ndarray]:
    """The rows of all blocks; their number and width are checked."""
    done, total = 0, matches.num_queries
    for block in blocks:
        if isinstance(block, Tensor):
            block = block.detach().cpu()
            block = (block.float() if block.element_size() < 4 else block).numpy()
        if not np.issubdtype(block.dtype, np.floating):
            raise TypeError(f'distances are of type {block.dtype}, expected floating point')
        if block.ndim != 2 or block.shape[1] != matches.num_gallery:
            raise ValueError(f'distances of shape {block.shape} do not fit '
                             f'{matches.num_gallery} gallery pids')
        if done + len(block) > total:
            raise ValueError(f'distances of at least {done + len(block)} queries, {total} pids')
        yield from block
        done += len(block)
        if progress is not None:
            progress(done, total)
    if done != total:
        raise ValueError(f'distances of {done} queries, but {total} query pids')


def _ranks(row: np.ndarray, ordered: np.ndarray, positives: np.ndarray,
           junk: np.ndarray) -> tuple[np.ndarray, int]:
    """Ascending ranks of the positives, from 1, and how many of them tie with a negative."""
    values, junk_values = row[positives], row[junk]
    own_values, junk_ordered = np.sort(values), np.sort(junk_values)

    def count(side: str) -> np.ndarray:
        return ordered.searchsorted(values, side) - junk_ordered.searchsorted(values, side)

    ranks = count('left')
    equal = count('right') - ranks
    for i in np.flatnonzero(equal > 1):
        earlier = np.count_nonzero(row[:positives[i]] == values[i])
        ranks[i] += earlier - np.count_nonzero(junk_values[junk < positives[i]] == values[i])
    own = own_values.searchsorted(values, 'right') - own_values.searchsorted(values, 'left')
    return np.sort(ranks) + 1, int(np.count_nonzero(equal > own))


def _average_precision(ranks: np.ndarray, ap: str) -> float:
    found = np.arange(1, len(ranks) + 1)
    precision = found / ranks
    if ap == 'ir':
        return float(precision.mean())
    before = np.where(ranks == 1, 1, (found - 1) / np.maximum(ranks - 1, 1))
    return float((precision + before).mean() / 2)
