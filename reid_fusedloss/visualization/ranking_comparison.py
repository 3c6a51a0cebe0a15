"""The same queries under two models, one ranking list above the other.

In the style of figure 3 of Zhang & Ding 2021. Everything is read from the lists that two tests
wrote.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import check_choice, check_int
from .canvas import MARGIN, Grid, PathLike, save_png
from .lettering import Lettering
from .ranking_list import spread
from .ranking_rows import average_precision, draw_rows

ORDERS = {
    'gain': 'largest gain in AP',
    'loss': 'largest loss in AP',
    'spread': 'spread over the gain in AP',
    'ids': 'identities chosen by hand',
}
NAME = 22  # pixels between the text beside a query and the query, for the model's name
TITLE = 32  # pixels above the two lists of a query


class PairGrid(Grid):
    """A grid of pairs of rows, with room for a title above and for names beside each pair."""

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
        """AP under the second model minus AP under the first, in -1..1."""
        return self.second['ap'] - self.first['ap']


def match_queries(first: dict, second: dict) -> list[QueryPair]:
    """Pair the queries of two tests, in the order of the first.

    Queries match by file name, relative to the folder that all queries of a test have in common,
    so the data may have moved in between. Queries without a positive are left out.

    Args:
        first: from `load_ranking_lists`.
        second: the same for the other model.

    Raises:
        ValueError: if the tests differ in their queries, or in a query's identity, camera or
            number of positives; or if no query has a positive.
    """
    ours, theirs = _by_file(first), _by_file(second)
    differing = sorted(ours.keys() ^ theirs.keys())
    if differing:
        raise ValueError(
            f'the two runs are not over the same test set: {len(ours)} and {len(theirs)} queries, '
            f'{len(ours.keys() & theirs.keys())} of them in both; {differing[0]} is in the '
            f'{"first" if differing[0] in ours else "second"} only'
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
        if average_precision(query) >= 0 and average_precision(theirs[key]) >= 0
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
        order: 'gain': the largest gains of the second model; 'loss': its largest losses;
            'spread': evenly from the largest gain to the largest loss; 'ids': those of `pids`,
            the first of each identity, then the second of each, up to num.
        pids: identities, compared as text.

    Raises:
        TypeError: if num is not an integer.
        ValueError: if the order is unknown, num is not positive, or an identity has no query.
    """
    check_choice('order', order, ORDERS)
    check_int('num', num)
    if order == 'ids':
        return _of_identities(pairs, num, [str(pid) for pid in pids])
    ranked = sorted(pairs, key=lambda pair: pair.gain, reverse=order != 'loss')
    num = min(num, len(ranked))
    return spread(ranked, num) if order == 'spread' else ranked[:num]


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
        first: from `load_ranking_lists`.
        second: the same for the other model, over the same test set.
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
        TypeError: if a number is not an integer.
        ValueError: see `match_queries` and `select_pairs`; if topk or width is not positive.
    """
    check_int('width', width)
    check_int('topk', topk)
    pairs = match_queries(first, second)
    chosen = select_pairs(pairs, num_queries, order, pids)
    queries = [query for pair in chosen for query in (pair.first, pair.second)]
    footer = f'{len(chosen)} of {len(pairs)} queries ({ORDERS[order]})'
    kinds = dict.fromkeys(f'{lists.get("distance")}' for lists in (first, second))
    legend = dict(distance=' and '.join(kinds), dataset=first.get('dataset'))
    size: dict[str, Any] = dict(topk=topk, width=width - NAME, grid_type=PairGrid)
    picture, grid = draw_rows(queries, legend, footer, data_root=data_root, **size)
    return _name_rows(picture, grid, chosen, names)


def save_ranking_comparison(first: dict, second: dict, out_png: PathLike, **options: Any) -> Path:
    """Draw `draw_ranking_comparison`, whose options follow, into a PNG, whole or not at all."""
    return save_png(draw_ranking_comparison(first, second, **options), out_png)


def _by_file(lists: dict) -> dict[str, dict]:
    paths = [Path(query['img_path']) for query in lists['queries']]
    common = os.path.commonpath([path.parent for path in paths])
    return {
        path.relative_to(common).as_posix(): query for path, query in zip(paths, lists['queries'])
    }


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
    lettering = Lettering(picture)
    for number, pair in enumerate(pairs):
        _, top, _, _ = grid.box(2 * number, 0)
        title = (
            f'id {pair.first["pid"]}     AP {pair.first["ap"]:.3f} → {pair.second["ap"]:.3f}   '
            f'({pair.gain:+.3f})'
        )
        y = top - (17 if number else 43)  # above the first pair there are the ranks
        lettering.put(MARGIN, y, title, 10, 'black', weight='bold')
        for row, name in enumerate(names):
            right, upper, _, lower = grid.box(2 * number + row, 0)
            x, middle = right - NAME / 2 - 1, (upper + lower) / 2
            style: dict[str, Any] = dict(weight='bold', rotation=90, ha='center')
            text = lettering.put(x, middle, name, 9, 'black', **style)
            room = (lower - upper + 12) / text.get_window_extent().height
            if room < 1:
                text.set_text(f'{name[: max(1, int(len(name) * room) - 2)]}…')
    return lettering.to_array()
