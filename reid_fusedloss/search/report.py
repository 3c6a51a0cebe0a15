"""Write the result of a search as text, CSV and JSON."""

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..printable import printable, spreadsheet_cell
from ..whole_file import PathLike, whole_file
from .entries import Entry
from .result import Hit, SearchResult

COLUMNS = ('query', 'rank', 'name', 'pid', 'camid', 'distance', 'reranked', 'known')


def as_lists(
    queries: Sequence[Entry], result: SearchResult, images: Sequence[Sequence[str]] | None = None
) -> dict[str, Any]:
    """Convert a result to ranking lists, which `visualization.draw_ranking_lists` draws.

    Args:
        queries: entries of the Q queries; a match is None if an identity is unknown, or one is a
            number and the other a string.
        result: result of their search.
        images: of each query, where several images of a folder are one; it is called by the
            folder then.
    """
    return dict(
        distance='cosine',
        captions='cosine distance · identity or camera',
        threshold=result.threshold,
        queries=[
            _query(query, result, number, None if images is None else images[number])
            for number, query in enumerate(queries)
        ],
    )


def answer(result: SearchResult, number: int) -> list[str]:
    """Describe in short lines who a query is, as far as the threshold allows."""
    entry = result.nearest_entries[number]
    if entry is None:
        return ['no entry found']
    nearest = f'nearest: {result.nearest[number]:.3f}'
    if result.known is None:
        return [nearest]
    if not result.known[number]:
        return ['no match', nearest]
    return ['known' if entry.pid is None else f'id {entry.pid}', nearest]


def as_text(lists: dict[str, Any]) -> str:
    """Format a table for each query, for the terminal."""
    lines = []
    for query in lists['queries']:
        lines.append(printable(f'{_title(query)}: {", ".join(query["answer"])}'))
        for rank, hit in enumerate(query['gallery'], start=1):
            labels = [
                f'id {hit["pid"]}' if hit['pid'] is not None else 'id ?',
                f'camera {hit["camid"]}' if hit['camid'] is not None else '',
            ]
            reranked = '' if hit['reranked'] is None else f'  ({hit["reranked"]:.4f})'
            lines.append(
                printable(
                    f'{rank:>4}  {hit["distance"]:.4f}{reranked}  '
                    f'{" ".join(labels):<18}  {hit["img_path"]}'
                )
            )
    return '\n'.join(lines)


def write_report(lists: dict[str, Any], unreadable: dict[str, str], folder: PathLike) -> None:
    """Write `search.json`, with everything, and `search.csv`, with a line for each hit.

    Each file is written atomically. The JSON file holds names and labels unchanged; the CSV file
    escapes those that a spreadsheet would evaluate, see `spreadsheet_cell`.

    Args:
        lists: result of `as_lists`.
        unreadable: name -> reason, for queries that could not be read.
        folder: created if it does not exist.
    """
    content = json.dumps(dict(lists, unreadable=unreadable), indent=2)
    with whole_file(Path(folder, 'search.json')) as file:
        file.write(content.encode())
    table = io.StringIO(newline='')
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    for query in lists['queries']:
        for rank, hit in enumerate(query['gallery'], start=1):
            cells = [
                query['name'],
                rank,
                hit['img_path'],
                hit['pid'],
                hit['camid'],
                hit['distance'],
                hit['reranked'],
                query['known'],
            ]
            writer.writerow(map(spreadsheet_cell, cells))
    with whole_file(Path(folder, 'search.csv')) as file:
        file.write(table.getvalue().encode(errors='backslashreplace'))


def _query(
    query: Entry, result: SearchResult, number: int, images: Sequence[str] | None
) -> dict[str, Any]:
    nearest = result.nearest_entries[number]
    return dict(
        img_path=query.name,
        name=query.name if images is None else os.path.dirname(query.name),
        images=[query.name] if images is None else list(images),
        pid=query.pid,
        camid=query.camid,
        ap=None,
        nearest=None if nearest is None else float(result.nearest[number]),
        nearest_name=None if nearest is None else nearest.name,
        known=None if result.known is None else bool(result.known[number]),
        answer=answer(result, number),
        gallery=[_entry(query, hit) for hit in result.hits[number]],
    )


def _title(query: dict[str, Any]) -> str:
    count = len(query['images'])
    return f'{query["name"]} ({count} images)' if count > 1 else str(query['name'])


def _entry(query: Entry, hit: Hit) -> dict[str, Any]:
    pid = hit.entry.pid
    comparable = pid is not None and type(pid) is type(query.pid)
    return dict(
        img_path=hit.entry.name,
        pid=pid,
        camid=hit.entry.camid,
        distance=hit.distance,
        reranked=hit.reranked,
        info=hit.entry.info,
        match=query.pid == pid if comparable else None,
        label=None if pid is None else f'id {pid}',
    )
