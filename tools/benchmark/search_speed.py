#!/usr/bin/env python
"""Time the search in a large gallery, and measure the recall of approximate indexes.

    python tools/benchmark/search_speed.py --data identities
    python tools/benchmark/search_speed.py --data random --size 200000 --kinds flat ivf hnsw
    python tools/benchmark/search_speed.py --size 100000 --part 10000 --kinds flat milvus

Features are drawn, of unit length. 'identities': each identity has a centre in a subspace of 64
dimensions and 20 images around it, with noise of 0.6 of the centre's length in all dimensions;
queries are further images of these identities. 'random': all directions are equally likely, also
for queries, so there are no near neighbours: the worst case for an approximate index.

The gallery is added in parts, drawn one at a time; the first part trains inverted lists. recall@1:
the nearest entry is the exact one; recall@10: share of the exact first ten among the first ten.
Exact neighbours are computed by a matrix product outside the index. Memory is the increase of the
process's memory since before the index was built, including the names of the entries. Loading
reads every byte for its checksum. 'milvus' is an exact index of Milvus Lite in a temporary folder,
inside this process: what a server of its own takes is not measured. It is stored at once, so saving
takes no time; loading is opening the gallery again. A thousand queries are left out.
"""

import argparse
import dataclasses
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import resident_memory, timed

from reid_fusedloss.printable import markdown_table
from reid_fusedloss.search import Gallery, GalleryIndex, load_index, open_milvus, save_index

PER_IDENTITY, RANK, NOISE = 20, 64, 0.6
PROBES = dict(
    ivf=('nprobe', (1, 4, 16, 64, 256)),
    hnsw=('ef_search', (16, 64, 256)),
    ivfpq=('nprobe', (16, 64)),
)
COLUMNS = (
    'kind setting entries train_and_add_s memory_gib file_gib save_s load_s one_ms hundred_ms '
    'thousand_ms recall1 recall10'
).split()


class DrawnGallery:
    """Features that are drawn part by part, always the same.

    Args:
        data: 'identities' or 'random'.
        size: entries.
        part: entries of a part.
        dims: width.
    """

    def __init__(self, data: str, size: int, part: int, dims: int) -> None:
        self.data, self.size, self.part, self.dims = data, size, part, dims
        rng = np.random.default_rng(0)
        self.basis = rng.normal(size=(RANK, dims)).astype(np.float32)

    def parts(self) -> Iterator[np.ndarray]:
        """Draw unit features, shape (part, dims); the last part may be shorter."""
        for first in range(0, self.size, self.part):
            rows = np.arange(first, min(first + self.part, self.size))
            yield self._draw(rows // PER_IDENTITY, seed=1 + first)

    def queries(self, number: int, stop: int) -> np.ndarray:
        """Draw unit features of queries, whose identities are among the first `stop` entries."""
        identities = np.random.default_rng(7).integers(stop // PER_IDENTITY, size=number)
        return self._draw(identities, seed=0)

    def _draw(self, identities: np.ndarray, seed: int) -> np.ndarray:

        def normal(*seed: int, size: tuple[int, ...]) -> np.ndarray:
            return np.random.default_rng(seed).standard_normal(size, np.float32)

        noise = _unit(normal(seed, 1, size=(len(identities), self.dims)))
        if self.data == 'random':
            return noise
        codes = np.stack([normal(number, 2, size=(RANK,)) for number in np.unique(identities)])
        places = np.unique(identities, return_inverse=True)[1]
        return _unit(_unit(codes @ self.basis)[places] + NOISE * noise)


def exact_neighbours(gallery: DrawnGallery, queries: np.ndarray, stop: int) -> np.ndarray:
    """Find the rows of the ten nearest among the first `stop` entries, shape (Q, 10)."""
    best = torch.empty(len(queries), 0), torch.empty(len(queries), 0, dtype=torch.long)
    first = 0
    for part in gallery.parts():
        part = part[: stop - first]
        if not len(part):
            break
        for start in range(0, len(part), 10_000):
            block = torch.from_numpy(part[start : start + 10_000])
            values, rows = (torch.from_numpy(queries) @ block.T).topk(10)
            rows = torch.cat([best[1], rows + first + start], 1)
            values, order = torch.cat([best[0], values], 1).topk(10)
            best = values, rows.gather(1, order)
        first += len(part)
    return best[1].numpy()


def fill(index: Gallery, gallery: DrawnGallery, limit: float) -> dict[str, Any]:
    """Add as many parts as fit the time limit; return time and memory."""
    before, seconds, count = resident_memory(), 0.0, 0
    for part in gallery.parts():
        names = [f'{count + i:09}' for i in range(len(part))]
        seconds += clock(index.add, part, names, duplicates='replace')
        count += len(part)
        print(f'  {count} entries after {seconds:.0f} s', flush=True)
        if seconds > limit:
            break
    del part
    held = resident_memory() - before
    return dict(entries=count, train_and_add_s=seconds, memory_gib=held / 2**30)


def storage(index: GalleryIndex) -> dict[str, float]:
    """Measure the seconds to write and to read an index, and the size of its files."""
    with tempfile.TemporaryDirectory() as folder:
        save = clock(save_index, index, folder)
        load = clock(load_index, folder)
        return dict(file_gib=file_size(folder), save_s=save, load_s=load)


def file_size(folder: str) -> float:
    """Return the GiB of all files in a folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob('*') if path.is_file()) / 2**30


def searches(
    index: Gallery, queries: np.ndarray, exact: np.ndarray, thousand: bool = True
) -> dict[str, float]:
    """Measure the milliseconds to search for one, 100 and 1,000 queries, and the recalls."""
    index.search(queries[:1])
    single = np.median([clock(index.search, queries[i : i + 1]) for i in range(20)])
    timings = [timed(lambda: index.search(queries[:100])) for _ in range(3)]
    result, all_s = timed(lambda: index.search(queries)) if thousand else (timings[0][0], math.nan)
    rows = [[int(hit.entry.name) for hit in hits] for hits in result.hits]
    shared = [len(np.intersect1d(found, true)) for found, true in zip(rows, exact)]
    return dict(
        one_ms=1e3 * single,
        hundred_ms=1e3 * min(seconds for _, seconds in timings),
        thousand_ms=1e3 * all_s,
        recall1=float(np.mean([found[:1] == [true[0]] for found, true in zip(rows, exact)])),
        recall10=float(np.mean(shared) / 10),
    )


def measure_kind(gallery: DrawnGallery, kind: dict, limit: float) -> Iterator[dict[str, Any]]:
    """Yield a row of the table for each setting of the search."""
    index = GalleryIndex(gallery.dims, kind)
    facts = fill(index, gallery, limit)
    facts |= storage(index)
    queries = gallery.queries(1000, len(index))
    exact = exact_neighbours(gallery, queries, len(index))
    option, values = PROBES.get(kind['type'], ('', (0,)))
    for value in values:
        if option:
            changes: dict[str, Any] = {option: value}
            index.kind = dataclasses.replace(index.kind, **changes)
        yield dict(
            kind=str(index.kind),
            setting=f'{option}={value}' if option else '',
            **facts,
            **searches(index, queries, exact),
        )


def measure_milvus(gallery: DrawnGallery, limit: float) -> dict[str, Any]:
    """Return a row of the table for Milvus Lite."""
    with tempfile.TemporaryDirectory() as folder:
        place = f'{folder}/gallery.db'
        index = open_milvus(place, gallery.dims)
        facts = fill(index, gallery, limit)
        queries = gallery.queries(100, facts['entries'])
        exact = exact_neighbours(gallery, queries, facts['entries'])
        load = clock(open_milvus, place)
        return dict(
            kind='milvus',
            setting='flat',
            **facts,
            **dict(file_gib=file_size(folder), save_s=math.nan, load_s=load),
            **searches(index, queries, exact, thousand=False),
        )


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        [f'{row[name]:.3g}' if isinstance(row[name], float) else str(row[name]) for name in COLUMNS]
        for row in rows
    ]
    return markdown_table([COLUMNS, *lines], aligned=False)


def clock(work: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    return timed(lambda: work(*arguments, **options))[1]


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', default='identities', choices=['identities', 'random'])
    parser.add_argument('--size', type=int, default=1_000_000, help='entries')
    parser.add_argument('--part', type=int, default=100_000, help='entries added at a time')
    parser.add_argument('--dims', type=int, default=512)
    parser.add_argument(
        '--kinds',
        nargs='+',
        default=['flat', 'ivf', 'hnsw'],
        choices=['flat', 'ivf', 'hnsw', 'ivfpq', 'milvus'],
    )
    parser.add_argument('--nlist', type=int, default=2048, help='lists of ivf and ivfpq')
    parser.add_argument(
        '--limit',
        type=float,
        default=1800,
        help='seconds of a build; then the entries added so far are searched',
    )
    parser.add_argument('--json', type=Path, help='file to write the rows to')
    args = parser.parse_args()
    gallery = DrawnGallery(args.data, args.size, args.part, args.dims)
    rows = []
    for name in args.kinds:
        kind = dict(type=name) | (dict(nlist=args.nlist) if name.startswith('ivf') else {})
        print(name, flush=True)
        for row in (
            [measure_milvus(gallery, args.limit)]
            if name == 'milvus'
            else measure_kind(gallery, kind, args.limit)
        ):
            rows.append(row)
            print(table(rows[-1:]).splitlines()[-1], flush=True)
            if args.json:
                args.json.write_text(json.dumps(rows, indent=2))
    print(
        f'\n{args.data}, {args.dims} dimensions, {torch.get_num_threads()} threads\n\n{table(rows)}'
    )


if __name__ == '__main__':
    main()
