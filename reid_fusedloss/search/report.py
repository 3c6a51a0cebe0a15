"""The result of a search as text, CSV and JSON."""

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..printable import printable, spreadsheet_cell
from ..whole_file import whole_file
from .entries import Entry
from .result import Hit, SearchResult
from .storage import PathLike

COLUMNS = ('query', 'rank', 'name', 'pid', 'camid', 'distance', 'reranked', 'known')


def as_lists(
    queries: Sequence[Entry], result: SearchResult, images: Sequence[Sequence[str]] | None = None
) -> dict[str, Any]:
    """In the layout of ranking lists, which `visualization.draw_ranking_lists` draws.

    Args:
        queries: what is known of the Q queries; where an identity is not known, or one is a
            number and the other a text, whether they match is None.
        result: of their search.
        images: of each query, where several images of a folder are one; it is called by the
            folder then.
    """
    captions = 'cosine distance · identity or camera'
    return dict(
        distance='cosine',
        captions=captions,
        threshold=result.threshold,
        queries=[
            dict(
                img_path=query.name,
                name=query.name if images is None else os.path.dirname(query.name),
                images=[query.name] if images is None else list(images[number]),
                pid=query.pid,
                camid=query.camid,
                ap=None,
                nearest=float(result.nearest[number]) if result.hits[number] else None,
                nearest_name=result.nearest_entries[number].name if result.hits[number] else None,
                known=None if result.known is None else bool(result.known[number]),
                answer=answer(result, number),
                gallery=[_entry(query, hit) for hit in result.hits[number]],
            )
            for number, query in enumerate(queries)
        ],
    )


def answer(result: SearchResult, number: int) -> list[str]:
    """What is said of a query, in short lines: who it is, as far as the threshold allows."""
    hits = result.hits[number]
    if not hits:
        return ['nobody found']
    nearest = f'nearest: {result.nearest[number]:.3f}'
    if result.known is None:
        return [nearest]
    if not result.known[number]:
        return ['nobody known', nearest]
    pid = result.nearest_entries[number].pid
    return ['known' if pid is None else f'id {pid}', nearest]


def as_text(lists: dict[str, Any]) -> str:
    """For the terminal: a table of each query."""
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
    """Write `search.json`, all of it, and `search.csv`, a line for each hit, into a folder.

    Each is whole or not there. The JSON file holds names and labels as they are; in the CSV file
    an apostrophe stands before those that a spreadsheet would compute, see `spreadsheet_cell`.

    Args:
        lists: of `as_lists`.
        unreadable: name -> reason, of queries that could not be read.
        folder: made where it does not exist.
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
