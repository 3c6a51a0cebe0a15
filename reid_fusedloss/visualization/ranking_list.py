"""Ranking lists: each query beside its first gallery images, right and wrong ones framed.

In the style of figure 3 of Zhang & Ding 2021. Order, distances and matches are those that the
metric wrote; nothing is ranked again here.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..checks import check_choice, check_int
from .canvas import PathLike, save_png
from .ranking_rows import average_precision, draw_rows

ORDERS = {
    'spread': 'spread over AP',
    'worst': 'lowest AP',
    'best': 'highest AP',
    'random': 'drawn at random',
    'given': 'in the order given',
}
T = TypeVar('T')


def load_ranking_lists(path: PathLike) -> dict:
    """Read the ranking lists that the metric wrote beside its scores.

    Returns:
        `{'prefix', 'distance', 'queries': [{'img_path', 'pid', 'camid', 'ap', 'first_match',
        'gallery': [{'img_path', 'pid', 'camid', 'distance', 'match'}, ...]}, ...]}`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not valid JSON, holds no query, or an entry lacks a key.
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
            where = f'{path}: queries[{i}].gallery[{j}]'
            _check_entry(entry, ('img_path', 'distance', 'match'), where)
    return lists


def select_queries(lists: dict, num: int, order: str = 'spread', seed: int = 0) -> list[dict]:
    """Choose the queries to show.

    Args:
        lists: from `load_ranking_lists`.
        num: how many; all of them if there are fewer.
        order: 'spread': evenly over the sorted APs, best first; 'worst', 'best': by AP, ties in
            the order of the file; 'random': drawn with `seed`, in the order of the file; 'given':
            the first of the file.
        seed: of 'random'.

    Raises:
        TypeError: if `num` is not an integer.
        ValueError: if `order` is unknown or `num` is not positive.
    """
    check_choice('order', order, ORDERS)
    check_int('num', num)
    queries = lists['queries']
    num = min(num, len(queries))
    if order == 'random':
        return [queries[i] for i in sorted(random.Random(seed).sample(range(len(queries)), num))]
    if order == 'given':
        return queries[:num]
    ranked = sorted(queries, key=average_precision, reverse=order != 'worst')
    return spread(ranked, num) if order == 'spread' else ranked[:num]


def spread(ranked: Sequence[T], num: int) -> list[T]:
    """Take `num` items evenly from the first to the last; a single one from the middle."""
    last = len(ranked) - 1
    picks = [i * last // (num - 1) for i in range(num)] if num > 1 else [last // 2]
    return [ranked[i] for i in picks]


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
    """Draw one row per query: the query, then its first `topk` gallery images.

    Tiles take the median aspect ratio of the images, which are fitted into them undistorted. An
    image that cannot be read becomes a grey tile with its name.

    Args:
        lists: from `load_ranking_lists`; an optional key 'dataset' names the data. A `match` of
            None: identity unknown. For searches: 'answer' of a query, lines of text, in place of
            its AP; 'label' of an entry in place of its camera; 'captions' names both.
        num_queries, order, seed: see `select_queries`.
        topk: gallery images per row; fewer if all lists are shorter.
        width: of the picture in pixels, about; tiles are always 64 to 128 pixels wide.
        data_root: prepended to relative image paths.

    Returns:
        RGB picture, uint8, shape (H, W, 3).

    Raises:
        TypeError: if `topk` or `num_queries` is not an integer.
        ValueError: if `topk` or `num_queries` is not positive, or `order` is unknown.
    """
    check_int('topk', topk)
    queries = select_queries(lists, num_queries, order, seed)
    footer = f'{len(queries)} of {len(lists["queries"])} queries ({ORDERS[order]})'
    return draw_rows(queries, lists, footer, topk=topk, width=width, data_root=data_root)[0]


def save_ranking_lists(json_path: PathLike, out_png: PathLike, **options: Any) -> Path:
    """Draw the ranking lists of a file into a PNG, written whole or not at all.

    Args:
        json_path: see `load_ranking_lists`.
        out_png: the picture, whose path is returned.
        options: of `draw_ranking_lists`.
    """
    return save_png(draw_ranking_lists(load_ranking_lists(json_path), **options), out_png)


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
        if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
            raise ValueError(f'{where}[{key!r}] is {value!r}, expected a number')
