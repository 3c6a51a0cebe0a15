"""Ranks of the positives, block by block, without an argsort."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..distance import CHUNK_SIZE
from .labels import Labels, LabelSets
from .matching import GalleryMatches
from .protocols import ProtocolOption
from .ranking_result import RankingResult

Progress = Callable[[int, int], None]

AP_FORMS = ('ir', 'trapezoid')
ROW_STEP = 2**32  # above the number of different values in a row
PIECE_SIZE = 2**18  # distances that a thread works on at a time: 1 MB, which caches hold


class Observer(Protocol):
    """Computes further figures from the blocks of distances, such as `TprAtFpr`."""

    def update(self, first: int, block: np.ndarray, matches: GalleryMatches) -> None:
        """Take the distances (b, G) of the queries from `first` on; they must not be changed."""

    def summarise(self) -> dict[str, float]:
        """Return the figures by name, after the last block."""


def rank_blocks(
    blocks: Iterable[np.ndarray | Tensor],
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    protocol: ProtocolOption = 'same_camera',
    query_labels: LabelSets = None,
    gallery_labels: LabelSets = None,
    ap: str = 'ir',
    k: int = 0,
    observers: Sequence[Observer] = (),
    progress: Progress | None = None,
) -> RankingResult:
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
        protocol: what is junk, see `make_protocol`. Galleries that a protocol draws are ranked by
            its observer, see `evaluate.make_observers`.
        query_labels: further labels of the queries by name, such as dict(clothes=...).
        gallery_labels: the same labels of the gallery.
        ap: 'ir' or 'trapezoid'.
        k: length of the ranking lists to keep; 0 keeps none.
        observers: shown every block too.
        progress: called with (done, total) queries after each block.

    Raises:
        TypeError: if distances are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit.
    """
    matches = GalleryMatches(
        query_pids,
        gallery_pids,
        query_camids,
        gallery_camids,
        protocol=protocol,
        query_labels=query_labels,
        gallery_labels=gallery_labels,
    )
    return rank_matches(blocks, matches, ap=ap, k=k, observers=observers, progress=progress)


def rank_matches(
    blocks: Iterable[np.ndarray | Tensor],
    matches: GalleryMatches,
    *,
    ap: str = 'ir',
    k: int = 0,
    observers: Sequence[Observer] = (),
    progress: Progress | None = None,
) -> RankingResult:
    """As `rank_blocks`, of labels that are matched already."""
    if ap not in AP_FORMS:
        raise ValueError(f'ap is one of {AP_FORMS}, got {ap!r}')
    result = RankingResult.empty(matches.num_queries, k)
    height = max(1, PIECE_SIZE // matches.num_gallery)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for first, block in _numbered(blocks, matches):
            starts = range(0, len(block), height)
            pieces = [block[start : start + height] for start in starts]
            rows = [first + start for start in starts]
            rank = partial(rank_piece, matches=matches, ap=ap, result=result)
            list(pool.map(rank, pieces, rows))
            if result.lists is not None:
                result.lists.fill(first, block, matches)
            for observer in observers:
                observer.update(first, block, matches)
            if progress is not None:
                progress(first + len(block), matches.num_queries)
    return result


def _numbered(
    blocks: Iterable[np.ndarray | Tensor], matches: GalleryMatches
) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of bounded size with the number of their first query; the shapes are checked."""
    done, total = 0, matches.num_queries
    for block in blocks:
        if not isinstance(block, (np.ndarray, Tensor)):
            raise TypeError(
                f'distances are a {type(block).__name__}, expected a numpy array or a torch tensor'
            )
        if isinstance(block, Tensor):
            block = block.detach().cpu()
            small = block.is_floating_point() and block.element_size() < 4
            block = (block.float() if small else block).numpy()
        if not np.issubdtype(block.dtype, np.floating):
            raise TypeError(f'distances are of type {block.dtype}, expected floating point')
        if block.ndim != 2 or block.shape[1] != matches.num_gallery:
            raise ValueError(
                f'distances of shape {block.shape} do not fit {matches.num_gallery} gallery pids'
            )
        if done + len(block) > total:
            raise ValueError(f'distances of at least {done + len(block)} queries, {total} pids')
        for start in range(0, len(block), CHUNK_SIZE):
            yield done + start, block[start : start + CHUNK_SIZE]
        done += len(block)
    if done != total:
        raise ValueError(f'distances of {done} queries, but {total} query pids')


def rank_piece(
    block: np.ndarray, first: int, matches: GalleryMatches, ap: str, result: RankingResult
) -> None:
    """Write the numbers of some consecutive queries into the result.

    Args:
        block: their distances, shape (b, G); not changed.
        first: number of the first of them.
        matches: of all queries.
        ap: 'ir' or 'trapezoid'.
        result: of all queries; the rows of these are written.

    Raises:
        ValueError: if a distance is not finite.
    """
    _check_finite(block, first)
    rows, columns, is_junk, junk = matches.between(first, first + len(block))
    rows, columns = rows[~is_junk], columns[~is_junk]
    counts = np.bincount(rows, minlength=len(block))
    valid = np.flatnonzero(counts)
    if not len(valid):
        return
    counts = counts[valid]
    starts = counts.cumsum() - counts
    values = block[rows, columns]
    farthest = np.full((len(block), 1), -np.inf, block.dtype)
    farthest[valid, 0] = np.maximum.reduceat(values, starts)
    near = block <= farthest
    near[junk] = False
    places = np.flatnonzero(near)
    keys = _keys(
        np.append(places // block.shape[1], rows), np.append(block.ravel()[places], values)
    )
    keys, own_keys = np.sort(keys[: len(places)]), keys[len(places) :]
    order = np.argsort(own_keys)
    own_keys = own_keys[order]
    nearer = keys.searchsorted(own_keys)
    equal = keys.searchsorted(own_keys, 'right') - nearer
    ranks = nearer - keys.searchsorted(rows * ROW_STEP - ROW_STEP // 2)
    if equal.max() > 1:
        _order_ties(
            block, near, rows, columns[order], own_keys, equal, ranks, result.num_ties[first:]
        )
    queries, ranks = first + valid, ranks + 1
    precision = _precisions(ranks, counts, starts, ap)
    result.average_precision[queries] = np.add.reduceat(precision, starts) / counts
    result.num_positives[queries] = counts
    result.first_match[queries] = ranks[starts]
    result.inverse_negative_penalty[queries] = counts / ranks[starts + counts - 1]


def _check_finite(block: np.ndarray, first: int) -> None:
    if not np.isfinite(block.min()) or not np.isfinite(block.max()):
        row, column = np.argwhere(~np.isfinite(block))[0]
        raise ValueError(
            f'the distance of query {first + row} to gallery entry {column} is '
            f'{block[row, column]}, expected finite distances'
        )


def _keys(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Integers in the order of rows, then values, int64."""
    if values.dtype == np.float32:
        codes: np.ndarray = (values + 0.0).view(np.int32)  # adding 0 makes -0 equal to 0
        codes ^= (codes >> 31) & np.int32(2**31 - 1)
    else:
        codes = np.unique(values, return_inverse=True)[1]
    keys: np.ndarray = rows * ROW_STEP + codes
    return keys


def _order_ties(
    block: np.ndarray,
    near: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    keys: np.ndarray,
    equal: np.ndarray,
    ranks: np.ndarray,
    num_ties: np.ndarray,
) -> None:
    """Order equal distances by gallery index; count positives that tie with a negative.

    Args:
        block: distances, shape (b, G).
        near: false for junk and for what is behind the farthest positive, shape (b, G).
        rows: row of each positive, ascending.
        columns: its gallery index.
        keys: ascending, equal where row and distance are.
        equal: how many entries lie at each positive's distance.
        ranks: number of nearer entries of each; is increased by the ties before it.
        num_ties: of each row; is increased.
    """
    for start in np.unique(keys.searchsorted(keys[equal > 1])):
        row, stop = rows[start], keys.searchsorted(keys[start], 'right')
        value = block[row, columns[start]]
        together = np.flatnonzero((block[row] == value) & near[row])
        ranks[start:stop] += together.searchsorted(np.sort(columns[start:stop]))
        num_ties[row] += (stop - start) * (stop - start < len(together))


def _precisions(ranks: np.ndarray, counts: np.ndarray, starts: np.ndarray, ap: str) -> np.ndarray:
    """Compute the precision at each positive; rows of `counts` ranks begin at `starts`."""
    found = np.arange(1, len(ranks) + 1) - np.repeat(starts, counts)
    precision: np.ndarray = found / ranks
    if ap == 'ir':
        return precision
    before = np.where(ranks == 1, 1, (found - 1) / np.maximum(ranks - 1, 1))
    area: np.ndarray = (precision + before) / 2
    return area
