"""The same queries under two models, one ranking list above the other.

The manner of figure 3 of Zhang & Ding 2021. All is read from the lists that two tests left.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ..checks import check_int
from .canvas import MARGIN, Grid, PathLike, figure_to_array, judge, load_image, paint, save_png
from .ranking_list import write_lettering

ORDERS = {
    'gain': 'largest gain in AP',
    'loss': 'largest loss in AP',
    'spread': 'spread over the gain in AP',
    'ids': 'identities chosen by hand',
}
NAME = 22  # pixels between the text beside a query and the query, for the model's name
TITLE = 32  # pixels above the two lists of a query


class PairGrid(Grid):
    """A grid whose rows come in twos, with room for a title above and for names beside them."""

    def box(self, row: int, rank: int) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1) of a tile with its frame; rank 0 is the query."""
        x0, y0, x1, y1 = super().box(row, rank)
        down = TITLE * (row // 2 + 1)
        return x0 + NAME, y0 + down, x1 + NAME, y1 + down


@dataclass(frozen=True)
class QueryPair:
    """A query's lists under both models."""

    first: dict
    second: dict

    @property
    def gain(self) -> float:
        """AP under the second model less that under the first, in -1..1."""
        return self.second['ap'] - self.first['ap']


def match_queries(first: dict, second: dict) -> list[QueryPair]:
    """Bring the lists of two tests together, in the order of the first.

    Queries are the same if their files are, below the folder that a test's queries have in common,
    so that the data may have moved in between. Queries without a positive are left out.

    Args:
        first: as `load_ranking_lists` returns it.
        second: the same of the other model.

    Raises:
        ValueError: if both are not over the same test set: other queries, or other identities,
            cameras or numbers of positives; or if no query has a positive.
    """
    ours, theirs = _by_file(first), _by_file(second)
    differing = sorted(ours.keys() ^ theirs.keys())
    if differing:
        raise ValueError(
            f'the two runs are not over the same test set: {len(ours)} and {len(theirs)} queries, '
            f'{len(ours.keys() & theirs.keys())} of them in both; {differing[0]} is in the '
            f'{"first" if differing[0] in ours else "second"} alone'
        )
    for key, query in ours.items():
        for name in ('pid', 'camid', 'num_positives'):
            if query.get(name) != theirs[key].get(name):
                raise ValueError(
                    f'the two runs are not over the same test set: query {key} has '
                    f'{name} {query.get(name)} in the first, '
                    f'{theirs[key].get(name)} in the second'
                )
    pairs = [
        QueryPair(query, theirs[key])
        for key, query in ours.items()
        if _has_ap(query) and _has_ap(theirs[key])
    ]
    if not pairs:
        raise ValueError('no query has a positive in the gallery')
    return pairs


def select_pairs(
    pairs: Sequence[QueryPair], num: int, order: str = 'spread', pids: Sequence = ()
) -> list[QueryPair]:
    """Choose the queries to show.

    Args:
        pairs: from `match_queries`.
        num: how many; all of them if there are fewer.
        order: 'gain': the second model gains most; 'loss': it loses most; 'spread': evenly from
            the largest gain to the largest loss; 'ids': those of `pids`, the first of each
            identity, then the second of each, as far as num allows.
        pids: identities, compared as text.

    Raises:
        ValueError: if the order is unknown, num is not positive, or an identity has no query.
    """
    if order not in ORDERS or num < 1:
        raise ValueError(
            f'order is one of {tuple(ORDERS)}, num positive, got order={order!r}, num={num}'
        )
    if order == 'ids':
        return _of_identities(pairs, num, [str(pid) for pid in pids])
    ranked = sorted(pairs, key=lambda pair: pair.gain, reverse=order != 'loss')
    num, last = min(num, len(ranked)), len(ranked) - 1
    if order != 'spread':
        return ranked[:num]
    picks = [i * last // (num - 1) for i in range(num)] if num > 1 else [last // 2]
    return [ranked[i] for i in picks]


def draw_ranking_comparison(
    first: dict,
    second: dict,
    *,
    names: tuple[str, str],
    num_queries: int = 4,
    topk: int = 10,
    order: str = 'spread',
    pids: Sequence = (),
    width: int = 1200,
    data_root: PathLike = '',
) -> np.ndarray:
    """Draw two rows for each query: its list under the first model, and under the second.

    Args:
        first: as `load_ranking_lists` returns it.
        second: the same of the other model, over the same test set.
        names: of the models.
        num_queries: how many queries.
        topk: gallery images per row; fewer if all lists are shorter.
        order: see `select_pairs`.
        pids: see `select_pairs`.
        width: of the picture in pixels, about.
        data_root: prepended to relative image paths.

    Returns:
        RGB picture, uint8, shape (H, W, 3).

    Raises:
        ValueError: see `match_queries` and `select_pairs`; if topk or width is not positive.
    """
    check_int('width', width)
    if topk < 1:
        raise ValueError(f'topk={topk} must be at least 1')
    pairs = match_queries(first, second)
    chosen = select_pairs(pairs, num_queries, order, pids)
    queries = [query for pair in chosen for query in (pair.first, pair.second)]
    columns = max(1, min(topk, max(len(query['gallery']) for query in queries)))
    tile_width = Grid.tile_width_for(width - NAME, columns)
    rows = [[query, *query['gallery'][:columns]] for query in queries]
    images = [
        [load_image(Path(data_root, entry['img_path']), 4 * tile_width) for entry in row]
        for row in rows
    ]
    grid = PairGrid.around(images, columns, tile_width)
    footer = f'{len(chosen)} of {len(pairs)} queries ({ORDERS[order]})'
    kinds = {f'{lists.get("distance")}': None for lists in (first, second)}
    lists = {'distance': ' and '.join(kinds), 'dataset': first.get('dataset')}
    picture = write_lettering(paint(grid, images, judge(rows)), grid, lists, rows, images, footer)
    return _name_rows(picture, grid, chosen, names)


def save_ranking_comparison(
    first: dict,
    second: dict,
    out_png: PathLike,
    *,
    names: tuple[str, str],
    num_queries: int = 4,
    topk: int = 10,
    order: str = 'spread',
    pids: Sequence = (),
    width: int = 1200,
    data_root: PathLike = '',
) -> Path:
    """Draw what `draw_ranking_comparison` returns into a PNG, written whole or not at all."""
    picture = draw_ranking_comparison(
        first,
        second,
        names=names,
        num_queries=num_queries,
        topk=topk,
        order=order,
        pids=pids,
        width=width,
        data_root=data_root,
    )
    return save_png(picture, out_png)


def _by_file(lists: dict) -> dict[str, dict]:
    paths = [Path(query['img_path']) for query in lists['queries']]
    common = os.path.commonpath([path.parent for path in paths])
    return {
        path.relative_to(common).as_posix(): query for path, query in zip(paths, lists['queries'])
    }


def _has_ap(query: dict) -> bool:
    return query['ap'] is not None and not math.isnan(query['ap'])


def _of_identities(pairs: Sequence[QueryPair], num: int, pids: list[str]) -> list[QueryPair]:
    found = {pid: [pair for pair in pairs if str(pair.first['pid']) == pid] for pid in pids}
    missing = [pid for pid, own in found.items() if not own]
    if missing or not pids:
        raise ValueError(
            f'no query with a positive has the identity {missing}: the test set has '
            f'{pairs[0].first["pid"]}, for example'
            if missing
            else "order='ids' needs identities: give pids"
        )
    depth = max(map(len, found.values()))
    return [own[i] for i in range(depth) for own in found.values() if i < len(own)][:num]


def _name_rows(
    picture: np.ndarray, grid: Grid, pairs: Sequence[QueryPair], names: tuple[str, str]
) -> np.ndarray:
    """Add a title above each pair of lists, and the model's name beside each."""
    height, width = picture.shape[:2]
    figure = Figure((width / 100, height / 100), dpi=100)
    figure.figimage(picture, origin='upper')
    style = dict(family='DejaVu Sans', parse_math=False, va='center')
    for number, pair in enumerate(pairs):
        _, top, _, _ = grid.box(2 * number, 0)
        query, y = pair.first, top - (17 if number else 43)  # the ranks are between, once
        title = (
            f'id {query["pid"]}     AP {pair.first["ap"]:.3f} → {pair.second["ap"]:.3f}   '
            f'({pair.gain:+.3f})'
        )
        figure.text(MARGIN / width, 1 - y / height, title, fontsize=10, weight='bold', **style)
        for row, name in enumerate(names):
            x, y0, _, y1 = grid.box(2 * number + row, 0)
            text = figure.text(
                (x - NAME / 2 - 1) / width,
                1 - (y0 + y1) / 2 / height,
                name,
                fontsize=9,
                weight='bold',
                rotation=90,
                ha='center',
                **style,
            )
            room = (y1 - y0 + 12) / text.get_window_extent().height
            if room < 1:
                text.set_text(f'{name[: max(1, int(len(name) * room) - 2)]}…')
    return figure_to_array(figure)
