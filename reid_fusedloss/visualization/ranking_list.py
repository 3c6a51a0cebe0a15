"""Ranking lists: each query beside its first gallery images, right and wrong ones framed.

The manner of figure 3 of Zhang & Ding 2021. The order, the distances and the verdicts are those
that the metric wrote down; nothing is ranked or judged anew here.
"""

import json
import math
import random
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ..printable import printable
from .canvas import (
    FRAME,
    LEFT,
    LEGEND_Y,
    MARGIN,
    SWATCHES,
    Grid,
    PathLike,
    figure_to_array,
    judge,
    legend_of,
    load_image,
    paint,
    save_png,
)

ORDERS = {
    'spread': 'spread over AP',
    'worst': 'lowest AP',
    'best': 'highest AP',
    'random': 'drawn at random',
    'given': 'in the order given',
}


def load_ranking_lists(path: PathLike) -> dict:
    """Read the ranking lists that the metric left beside its scores.

    Returns:
        ``{'prefix', 'distance', 'queries': [{'img_path', 'pid', 'camid', 'ap', 'first_match',
        'gallery': [{'img_path', 'pid', 'camid', 'distance', 'match'}, ...]}, ...]}``.

    Raises:
        FileNotFoundError: if ``path`` does not exist.
        ValueError: if it is no JSON, holds no query, or an entry lacks a key.
    """
    path = Path(path)
    try:
        lists = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path} is not valid JSON: {error}') from None
    queries = lists.get('queries') if isinstance(lists, dict) else None
    if not isinstance(queries, list) or not queries:
        raise ValueError(f"{path}: expected a dict with a non-empty list 'queries'")
    for i, query in enumerate(queries):
        _check_entry(query, ('img_path', 'pid', 'ap', 'gallery'), f'{path}: queries[{i}]')
        if not isinstance(query['gallery'], list):
            raise ValueError(f"{path}: queries[{i}]['gallery'] is not a list")
        for j, entry in enumerate(query['gallery']):
            _check_entry(
                entry, ('img_path', 'distance', 'match'), f'{path}: queries[{i}].gallery[{j}]'
            )
    return lists


def _check_entry(entry: object, keys: tuple[str, ...], where: str) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f'{where} is a {type(entry).__name__}, expected a dict')
    missing = [key for key in keys if key not in entry]
    if missing:
        raise ValueError(f'{where} lacks {missing}')
    if not isinstance(entry['img_path'], str):
        raise ValueError(f"{where}['img_path'] is {entry['img_path']!r}, expected a string")
    for key in ('ap', 'distance'):
        value = entry.get(key)
        if key in entry and (
            isinstance(value, bool) or not isinstance(value, (int, float, type(None)))
        ):
            raise ValueError(f'{where}[{key!r}] is {value!r}, expected a number')


def select_queries(lists: dict, num: int, order: str = 'spread', seed: int = 0) -> list[dict]:
    """Choose the queries to show.

    Args:
        lists: as ``load_ranking_lists`` returns it.
        num: how many; all of them if there are fewer.
        order: 'spread': evenly over the sorted APs, best first; 'worst', 'best': by AP, ties in
            the order of the file; 'random': drawn by ``seed``, in the order of the file; 'given':
            the first of the file.
        seed: of 'random'.

    Raises:
        ValueError: if ``order`` is unknown or ``num`` is not positive.
    """
    if order not in ORDERS:
        raise ValueError(f'order={order!r} is not one of {tuple(ORDERS)}')
    if num < 1:
        raise ValueError(f'num={num} must be at least 1')
    queries = lists['queries']
    num = min(num, len(queries))
    if order == 'random':
        return [queries[i] for i in sorted(random.Random(seed).sample(range(len(queries)), num))]
    if order == 'given':
        return queries[:num]
    ranked = sorted(queries, key=_ap, reverse=order != 'worst')
    if order != 'spread':
        return ranked[:num]
    last = len(ranked) - 1
    picks = [i * last // (num - 1) for i in range(num)] if num > 1 else [last // 2]
    return [ranked[i] for i in picks]


def _ap(query: dict) -> float:
    """AP for sorting; a query without any (no positive in the gallery) counts as the worst."""
    value = query['ap']
    return -1.0 if value is None or math.isnan(value) else value


def draw_ranking_lists(
    lists: dict,
    *,
    num_queries: int = 8,
    topk: int = 10,
    order: str = 'spread',
    seed: int = 0,
    width: int = 1200,
    data_root: PathLike = '',
) -> np.ndarray:
    """Draw one row per query: the query, then its first ``topk`` gallery images.

    Tiles take the median aspect of the images, which are fitted into them undistorted. An image
    that cannot be read becomes a grey tile with its name.

    Args:
        lists: as ``load_ranking_lists`` returns it; an optional key 'dataset' names the data. A
            `match` of None: identity unknown. Of searches: 'answer' of a query, lines of text, in
            place of its AP; 'label' of an entry in place of its camera; 'captions' names both.
        num_queries, order, seed: see ``select_queries``.
        topk: gallery images per row; fewer if all lists are shorter.
        width: of the picture in pixels, about; tiles are 64 to 128 pixels wide whatever it is.
        data_root: prepended to relative image paths.

    Returns:
        RGB picture, uint8, shape (H, W, 3).

    Raises:
        ValueError: if ``topk`` or ``num_queries`` is not positive, or ``order`` is unknown.
    """
    if topk < 1:
        raise ValueError(f'topk={topk} must be at least 1')
    queries = select_queries(lists, num_queries, order, seed)
    columns = max(1, min(topk, max(len(query['gallery']) for query in queries)))
    tile_width = Grid.tile_width_for(width, columns)
    rows = [[query, *query['gallery'][:columns]] for query in queries]
    images = [
        [load_image(Path(data_root, entry['img_path']), 4 * tile_width) for entry in row]
        for row in rows
    ]
    grid = Grid.around(images, columns, tile_width)
    canvas = paint(grid, images, judge(rows))
    footer = f'{len(rows)} of {len(lists["queries"])} queries ({ORDERS[order]})'
    return write_lettering(canvas, grid, lists, rows, images, footer)


def save_ranking_lists(
    json_path: PathLike,
    out_png: PathLike,
    *,
    num_queries: int = 8,
    topk: int = 10,
    order: str = 'spread',
    seed: int = 0,
    width: int = 1200,
    data_root: PathLike = '',
) -> Path:
    """Draw the ranking lists of ``json_path`` into ``out_png``, written whole or not at all.

    Arguments after the paths: see ``draw_ranking_lists``. Returns the path of the picture.

    Raises:
        FileNotFoundError, ValueError: see ``load_ranking_lists`` and ``draw_ranking_lists``.
    """
    picture = draw_ranking_lists(
        load_ranking_lists(json_path),
        num_queries=num_queries,
        topk=topk,
        order=order,
        seed=seed,
        width=width,
        data_root=data_root,
    )
    return save_png(picture, out_png)


def write_lettering(
    canvas: np.ndarray,
    grid: Grid,
    lists: dict,
    rows: list[list[dict]],
    images: list[list[np.ndarray | None]],
    footer: str,
) -> np.ndarray:
    """Add all lettering to the painted canvas."""
    height, width = canvas.shape[:2]
    figure = Figure((width / 100, height / 100), dpi=100)
    figure.figimage(canvas, origin='upper')

    def put(
        x: float,
        y: float,
        text: str,
        size: float = 7.5,
        color: str = '#333333',
        limit: float = math.inf,
        **style: str,
    ) -> None:
        text = printable(text)
        drawn = figure.text(
            x / width,
            1 - y / height,
            text,
            fontsize=size,
            color=color,
            family='DejaVu Sans',
            parse_math=False,
            va='center',
            **style,
        )
        while len(text) > 1 and drawn.get_window_extent().width > limit:
            text = text[:-1]
            drawn.set_text(f'{text}…')

    for rank in range(grid.columns + 1):
        x0, y0, x1, _ = grid.box(0, rank)
        put((x0 + x1) / 2, y0 - 13, str(rank) if rank else 'query', 9, weight='bold', ha='center')
    for i, row in enumerate(rows):
        _write_row(put, grid, i, row, [image is None for image in images[i]])
    _write_legend(put, width, lists, rows, footer)
    return figure_to_array(figure)


def _write_row(
    put: Callable[..., None], grid: Grid, i: int, row: list[dict], missing: list[bool]
) -> None:
    y = grid.box(i, 0)[1]
    for line, text in enumerate(_describe(row[0])):
        put(
            MARGIN,
            y + 8 + 16 * line,
            text,
            8 if line else 9.5,
            limit=LEFT - 8,
            weight='normal' if line else 'bold',
        )
    for rank, entry in enumerate(row):
        x0, y0, x1, y1 = grid.box(i, rank)
        if missing[rank]:
            name = textwrap.wrap(Path(entry['img_path']).name, grid.tile_width // 7)
            room = (grid.tile_height - 2 * FRAME) // 11 - 1
            for line, text in enumerate(['unreadable:', *name][:room]):
                put(
                    (x0 + x1) / 2,
                    y0 + 14 + 11 * line,
                    text,
                    7,
                    ha='center',
                    limit=grid.tile_width - 2 * FRAME,
                )
        if rank:
            put((x0 + x1) / 2, y1 + 9, _caption(entry), ha='center', limit=grid.tile_width)


def _write_legend(
    put: Callable[..., None], width: int, lists: dict, rows: list[list[dict]], footer: str
) -> None:
    legend = legend_of(judge(rows))
    for x, verdict in zip(SWATCHES, legend):
        put(x + 34, LEGEND_Y, verdict.value[-1], 8.5)
    captions = lists.get('captions') or f'{lists.get("distance") or ""} distance · camera'.lstrip()
    parts = [captions, lists.get('dataset'), lists.get('prefix'), footer]
    put(
        width - MARGIN,
        LEGEND_Y,
        '   |   '.join(str(part) for part in parts if part),
        8.5,
        '#666666',
        ha='right',
        limit=width - SWATCHES[len(legend)] - 22,
    )


def _describe(query: dict) -> list[str]:
    """The lines beside a query, the AP first, or the answer to a search."""
    pid, camera = f'id {query["pid"]}', _camera(query)
    if 'answer' in query:
        lines = [
            *query['answer'],
            Path(query['img_path']).name,
            '' if query['pid'] is None else f'true {pid}',
            camera,
        ]
        return [line for line in lines if line]
    first, positives = query.get('first_match'), query.get('num_positives')
    lines = [
        'AP –' if _ap(query) < 0 else f'AP {query["ap"]:.3f}',
        *([f'{pid} · {camera}'] if camera and len(pid + camera) < 16 else [pid, camera]),
        f'first match: {"–" if first is None else first}',
        '' if positives is None else f'positives: {positives}',
    ]
    return [line for line in lines if line]


def _caption(entry: dict) -> str:
    distance = entry['distance']
    parts = ['–' if distance is None else f'{distance:.3f}', entry.get('label') or _camera(entry)]
    return ' · '.join(part for part in parts if part)


def _camera(entry: dict) -> str:
    camid = entry.get('camid')
    if camid is None:
        return ''
    return f'c{camid}' if str(camid).isdigit() else str(camid)
