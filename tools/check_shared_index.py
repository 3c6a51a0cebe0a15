#!/usr/bin/env python
"""Search, update and prune one index at the same time, and compare every state that is read.

    python tools/check_shared_index.py --seconds 60

Four processes load the index and search in it, two add and change their images, one removes and
adds images. Features are computed from the files' bytes. Each writer logs the start and the end of
its updates. A state that is read must be, for each writer, that after a whole update: at least the
last one finished before the reading began, at most the last one begun before it ended. Search
results are compared with all distances in float64. At the end no entry may be missing.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stops.index import left_over  # noqa: E402
from stops.scenarios import DIMS, MODEL, feature_of  # noqa: E402
from stops.shared_index import Oracle, Writer  # noqa: E402

from reid_fusedloss.apis import update_gallery  # noqa: E402
from reid_fusedloss.search import GalleryIndex, load_index, save_index  # noqa: E402

SEARCHING, UPDATING, REMOVING = 4, 2, 1  # number of processes


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--entries', type=int, default=1000, help='of each writer, at the start')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


class Searcher:
    """Loads the index, checks its state and searches in it.

    Args:
        base: folder of the whole check.
        oracles: of the writers.
        seed: of the queries.
    """

    def __init__(self, base: Path, oracles: list[Oracle], seed: str) -> None:
        self.folder, self.oracles, self.random = base / 'index', oracles, random.Random(seed)

    def round(self) -> list[str]:
        """Load and search once; return what is wrong with the state or the results."""
        for oracle in self.oracles:
            oracle.read_on()
        first = [oracle.done for oracle in self.oracles]
        index = load_index(self.folder)
        for oracle in self.oracles:
            oracle.read_on()
        return wrong_states(index, self.oracles, first) + self.wrong_results(index)

    def wrong_results(self, index: GalleryIndex) -> list[str]:
        """Search for three entries and a stranger, and compare with all distances in float64."""
        units = index.features().astype(np.float64)
        rows = self.random.sample(range(len(index)), 3)
        stranger = feature_of(str(self.random.random()).encode())
        queries = np.vstack([units[rows], stranger]).astype(np.float32)
        result, wrong = index.search(queries, 5), []
        for query, hits in zip(queries.astype(np.float64), result.hits):
            distances = 1 - units @ query
            wanted = np.argsort(distances, kind='stable')[:5]
            names = [index.entries[row].name for row in wanted]
            if names != [hit.entry.name for hit in hits] or any(
                abs(distances[row] - hit.distance) > 1e-5 for row, hit in zip(wanted, hits)
            ):
                wrong.append(f'a wrong result: {hits}')
        return wrong

    def run(self, end: float) -> tuple[int, list[str]]:
        """Run rounds until a time; return their number, and what was wrong."""
        count, wrong = 0, []
        while time.monotonic() < end:
            try:
                wrong += self.round()
            except Exception as error:
                wrong.append(repr(error))
            count += 1
        return count, wrong


def wrong_states(index: GalleryIndex, oracles: list[Oracle], first: list[int]) -> list[str]:
    """List the writers whose entries are not those after a whole update that may be there."""
    rows: dict[str, dict[str, np.ndarray]] = {oracle.folder: {} for oracle in oracles}
    for entry, feature in zip(index.entries, index.features()):
        path = Path(entry.name)
        rows[str(path.parent)][path.name] = feature
    return [
        f'a wrong state of {oracle.folder}'
        for oracle, number in zip(oracles, first)
        if not oracle.matches(rows[oracle.folder], number)
    ]


def start(base: Path, args: argparse.Namespace) -> tuple[list[Writer], list[Oracle]]:
    """Make the writers and their oracles, and an index of all their images."""
    writers = [
        Writer(base, number, number >= UPDATING, args.entries, args.seed)
        for number in range(UPDATING + REMOVING)
    ]
    index = GalleryIndex(DIMS)
    update_gallery(index, MODEL, [writer.photos for writer in writers])
    save_index(index, base / 'index')
    return writers, [Oracle(writer) for writer in writers]


def search(searcher: Searcher, end: float, results: Any) -> None:
    results.put(searcher.run(end))


def check(base: Path, args: argparse.Namespace) -> tuple[Counter, list[str]]:
    """Run all processes at the same time; return counts of what was done, and what was wrong."""
    writers, oracles = start(base, args)
    context = multiprocessing.get_context('fork')
    results, end = context.Queue(), time.monotonic() + args.seconds
    searchers = [Searcher(base, oracles, f'{args.seed} {number}') for number in range(SEARCHING)]
    processes = [context.Process(target=search, args=(one, end, results)) for one in searchers]
    processes += [context.Process(target=writer.run, args=(end,)) for writer in writers]
    for process in processes:
        process.start()
    found = [results.get() for _ in searchers]
    for process in processes:
        process.join()
    wrong = [text for _, texts in found for text in texts]
    wrong += [
        f'a process ended with {process.exitcode}' for process in processes if process.exitcode
    ]
    for oracle in oracles:
        oracle.read_on()
    wrong += wrong_states(load_index(base / 'index'), oracles, [oracle.done for oracle in oracles])
    left = left_over(base / 'index')
    wrong += [f'left over: {left}'] * bool(left)
    count = Counter(
        searches=sum(count for count, _ in found),
        updates=sum(oracle.done for oracle in oracles[:UPDATING]),
        removals=sum(oracle.done for oracle in oracles[UPDATING:]),
    )
    count['entries'] = sum(len(oracle.states[-1]) for oracle in oracles)
    return count, wrong


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)  # threads do not survive a fork
    with tempfile.TemporaryDirectory() as base:
        count, wrong = check(Path(base), args)
    print(
        f'{count["searches"]} searches by {SEARCHING} processes, {count["updates"]} updates by '
        f'{UPDATING} and {count["removals"]} with removals by {REMOVING}, at the same time in '
        f'{args.seconds:g} s; {count["entries"]} entries at the end; {len(wrong)} wrong'
    )
    for text in wrong[:5]:
        print(f'  {text}')
    raise SystemExit(1 if wrong else 0)


if __name__ == '__main__':
    main()
