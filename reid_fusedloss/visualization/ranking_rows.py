"""Rows of a query and its gallery images: framed tiles, and the text beside and below them."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .canvas import (
    FRAME,
    LEFT,
    LEGEND_Y,
    MARGIN,
    SWATCHES,
    Grid,
    PathLike,
    judge,
    legend_of,
    load_image,
    paint,
)
from .lettering import Lettering
from .panels import GREY


def draw_rows(
    queries: Sequence[dict],
    lists: dict,
    footer: str,
    *,
    topk: int,
    width: int,
    data_root: PathLike,
    grid_type: type[Grid] = Grid,
) -> tuple[np.ndarray, Grid]:
    """Draw one row for each query: the query, then its first `topk` gallery images.

    Args:
        queries: entries of `load_ranking_lists`.
        lists: what the legend names: 'captions' or 'distance', 'dataset' and 'prefix'.
        footer: which queries these are, at the end of the legend.
        topk: gallery images per row; fewer if all lists are shorter.
        width: of the picture in pixels, about.
        data_root: prepended to relative image paths.
        grid_type: where the tiles lie.

    Returns:
        RGB picture, uint8, shape (H, W, 3), and its grid.
    """
    columns = max(1, min(topk, max(len(query['gallery']) for query in queries)))
    tile_width = Grid.tile_width_for(width, columns)
    rows = [[query, *query['gallery'][:columns]] for query in queries]
    images = [
        [load_image(Path(data_root, entry['img_path']), 4 * tile_width) for entry in row]
        for row in rows
    ]
    grid = grid_type.around(images, columns, tile_width)
    lettering = Lettering(paint(grid, images, judge(rows)))
    for rank in range(grid.columns + 1):
        x0, y0, x1, _ = grid.box(0, rank)
        title = str(rank) if rank else 'query'
        lettering.put((x0 + x1) / 2, y0 - 13, title, 9, weight='bold', ha='center')
    for number, row in enumerate(rows):
        _write_row(lettering, grid, number, row, [image is None for image in images[number]])
    _write_legend(lettering, lists, rows, footer)
    return lettering.to_array(), grid


def average_precision(query: dict) -> float:
    """AP in 0..1; -1 for a query without a positive in the gallery, below the worst."""
    value = query['ap']
    return -1.0 if value is None or math.isnan(value) else value


def _write_row(
    lettering: Lettering, grid: Grid, number: int, row: list[dict], missing: list[bool]
) -> None:
    y = grid.box(number, 0)[1]
    for line, text in enumerate(_describe(row[0])):
        size, weight = (8, 'normal') if line else (9.5, 'bold')
        lettering.put(MARGIN, y + 8 + 16 * line, text, size, limit=LEFT - 8, weight=weight)
    for rank, entry in enumerate(row):
        x0, y0, x1, y1 = grid.box(number, rank)
        middle = (x0 + x1) / 2
        if missing[rank]:
            name = textwrap.wrap(Path(entry['img_path']).name, grid.tile_width // 7)
            room = (grid.tile_height - 2 * FRAME) // 11 - 1
            for line, text in enumerate(['unreadable:', *name][:room]):
                limit = grid.tile_width - 2 * FRAME
                lettering.put(middle, y0 + 14 + 11 * line, text, 7, ha='center', limit=limit)
        if rank:
            lettering.put(middle, y1 + 9, _caption(entry), ha='center', limit=grid.tile_width)


def _write_legend(lettering: Lettering, lists: dict, rows: list[list[dict]], footer: str) -> None:
    legend = legend_of(judge(rows))
    for x, verdict in zip(SWATCHES, legend):
        lettering.put(x + 34, LEGEND_Y, verdict.value[-1], 8.5)
    captions = lists.get('captions') or f'{lists.get("distance") or ""} distance · camera'.lstrip()
    parts = [captions, lists.get('dataset'), lists.get('prefix'), footer]
    text = '   |   '.join(str(part) for part in parts if part)
    limit = lettering.width - SWATCHES[len(legend)] - 22
    lettering.put(lettering.width - MARGIN, LEGEND_Y, text, 8.5, GREY, ha='right', limit=limit)


def _describe(query: dict) -> list[str]:
    """The lines beside a query: its AP and matches, or the answer to a search."""
    pid, camera = f'id {query["pid"]}', _camera(query)
    if 'answer' in query:
        true_pid = '' if query['pid'] is None else f'true {pid}'
        lines = [*query['answer'], Path(query['img_path']).name, true_pid, camera]
        return [line for line in lines if line]
    ap = average_precision(query)
    first, positives = query.get('first_match'), query.get('num_positives')
    lines = [
        'AP –' if ap < 0 else f'AP {ap:.3f}',
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
