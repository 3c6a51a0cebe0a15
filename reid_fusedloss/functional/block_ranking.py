"""Ranks of the positives, block by block, without an argsort."""
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Optional, Protocol, Union

import numpy as np
import torch
from torch import Tensor

from .distance import CHUNK_SIZE
from .matching import GalleryMatches, Labels
from .ranking_result import RankingResult

Progress = Callable[[int, int], None]

AP_FORMS = ('ir', 'trapezoid')
PIECE_SIZE = 2**18  # distances that a thread works on at a time: 1 MB, which caches hold


class Observer(Protocol):
    """What else is read off the distances as they pass by, such as `TprAtFpr`."""

    def update(self, first: int, block: np.ndarray, matches: GalleryMatches) -> None:
        """See the distances (b, G) of the queries from `first` on, without changing them."""

    def summarise(self) -> dict[str, float]:
        """Numbers by name, after the last block."""


def rank_blocks(blocks: Iterable[Union[np.ndarray, Tensor]],
                query_pids: Labels,
                gallery_pids: Labels,
                query_camids: Optional[Labels] = None,
                gallery_camids: Optional[Labels] = None,
                *,
                ap: str = 'ir',
                k: int = 0,
                observers: Sequence[Observer] = (),
                progress: Optional[Progress] = None) -> RankingResult:
    """Rank each query's gallery, block by block.

    The rank of a positive is the number of nearer entries that are not junk, plus one; equal
    distances are ordered by gallery index. With r_1 < ... < r_P the ranks of the P positives,
    `ap='ir'` is the mean of the precisions i / r_i, and `ap='trapezoid'` the mean of
    (i / r_i + (i - 1) / (r_i - 1)) / 2, with 0 / 0 = 1 (Zheng et al., ICCV 2015, the Market-1501
    code). The inverse negative penalty is P / r_P (Ye et al., TPAMI 2021).

    Only entries up to the farthest positive are sorted, on as many threads as PyTorch uses.

    Args:
        blocks: distances of consecutive queries to the gallery, shapes (b, G), smaller is nearer:
            `distance_blocks`, `rerank_blocks` or a list of one matrix. They are not changed.
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, G integers or strings.
        query_camids: cameras, Q integers or strings, or None: no entry is junk.
        gallery_camids: cameras, G integers or strings, or None.
        ap: 'ir' or 'trapezoid'.
        k: length of the ranking lists to keep; 0 keeps none.
        observers: shown every block too.
        progress: called with (done, total) queries after each block.

    Raises:
        TypeError: if distances are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit.
    """
    if ap not in AP_FORMS:
        raise ValueError(f'ap is one of {AP_FORMS}, got {ap!r}')
    matches = GalleryMatches(query_pids, gallery_pids, query_camids, gallery_camids)
    result = RankingResult.empty(matches.num_queries, k)
    height = max(1, PIECE_SIZE // matches.num_gallery)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for first, block in _numbered(blocks, matches):
            for _ in pool.map(lambda start: _rank_piece(
                    block[start:start + height], first + start, matches, ap, result),
                              range(0, len(block), height)):
                pass
            if k:
                result.lists.fill(first, block, matches)
            for observer in observers:
                observer.update(first, block, matches)
            if progress is not None:
                progress(first + len(block), matches.num_queries)
    return result


def _numbered(blocks: Iterable[Union[np.ndarray, Tensor]],
              matches: GalleryMatches) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of bounded size with the number of their first query; the shapes are checked."""
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
        for start in range(0, len(block), CHUNK_SIZE):
            yield done + start, block[start:start + CHUNK_SIZE]
        done += len(block)
    if done != total:
        raise ValueError(f'distances of {done} queries, but {total} query pids')


def _rank_piece(block: np.ndarray, first: int, matches: GalleryMatches, ap: str,
                result: RankingResult) -> None:
    """Write the numbers of some consecutive queries into the result."""
    _check_finite(block, first)
    own = [matches.of(query) for query in range(first, first + len(block))]
    counts = np.array([len(positives) for positives, _ in own])
    valid = np.flatnonzero(counts)
    if not len(valid):
        return
    values = [np.sort(row[positives]) for row, (positives, _) in zip(block, own)]
    farthest = np.array([value[-1] if len(value) else -np.inf for value in values])
    near = block <= farthest[:, None]
    for row, (_, junk) in zip(near, own):
        row[junk] = False
    places = np.flatnonzero(near)
    stops = places.searchsorted(np.arange(1, len(block)) * block.shape[1])
    entries = np.split(block.ravel()[places], stops)
    ranks, queries = [], first + valid
    for row in valid:
        found, result.num_ties[first + row] = _ranks(entries[row], values[row], block[row],
                                                     *own[row])
        ranks.append(found)
    starts = counts[valid].cumsum() - counts[valid]
    precision = _precisions(np.concatenate(ranks), counts[valid], starts, ap)
    result.average_precision[queries] = np.add.reduceat(precision, starts) / counts[valid]
    result.num_positives[queries] = counts[valid]
    result.first_match[queries] = [found[0] for found in ranks]
    result.inverse_negative_penalty[queries] = [len(found) / found[-1] for found in ranks]


def _check_finite(block: np.ndarray, first: int) -> None:
    if not np.isfinite(block.min()) or not np.isfinite(block.max()):
        row, column = np.argwhere(~np.isfinite(block))[0]
        raise ValueError(f'the distance of query {first + row} to gallery entry {column} is '
                         f'{block[row, column]}, expected finite distances')


def _ranks(near: np.ndarray, values: np.ndarray, row: np.ndarray, positives: np.ndarray,
           junk: np.ndarray) -> tuple[np.ndarray, int]:
    """Ascending ranks of the positives, from 1, and how many of them tie with a negative.

    Args:
        near: distances of what is not junk, up to the farthest positive; is sorted in place.
        values: distances of the positives, ascending.
        row: distances of the whole gallery.
        positives: gallery indices of the positives.
        junk: gallery indices of the junk.
    """
    near.sort()
    ranks = near.searchsorted(values, 'left')
    equal = near.searchsorted(values, 'right') - ranks
    tied = np.unique(values[equal > 1])
    if not len(tied):
        return ranks + 1, 0
    num_ties = 0
    for value in tied:
        together = np.setdiff1d(np.flatnonzero(row == value), junk)
        matching = np.flatnonzero(np.isin(together, positives))
        ranks[values == value] += matching
        num_ties += len(matching) * (len(matching) < len(together))
    return ranks + 1, num_ties


def _precisions(ranks: np.ndarray, counts: np.ndarray, starts: np.ndarray, ap: str) -> np.ndarray:
    """Precision at each positive; rows of `counts` ranks begin at `starts`."""
    found = np.arange(1, len(ranks) + 1) - np.repeat(starts, counts)
    precision = found / ranks
    if ap == 'ir':
        return precision
    before = np.where(ranks == 1, 1, (found - 1) / np.maximum(ranks - 1, 1))
    return (precision + before) / 2
