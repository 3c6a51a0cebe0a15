#!/usr/bin/env python
"""Ask, update and prune one index at once, and compare every state that is read with an oracle.

    python tools/check_shared_index.py --seconds 60

Four processes load the index and search in it, two add and change images of theirs, one removes
some and adds others. Features are made of the files' bytes. Each writer notes what it is going to
do and what it has done; a state that is read has to be, for each writer, the one after some whole
update: not before the last that was done when the reading began, not after the last that was begun
when it ended. Answers are compared with all distances in float64. At the end nothing may be
missing.
"""

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stops.scenarios import FileFeatures, feature_of  # noqa: E402

from reid_fusedloss.apis import update_gallery  # noqa: E402
from reid_fusedloss.search import GalleryIndex, hold_index, load_index, save_index  # noqa: E402

ASKING, UPDATING, REMOVING = 4, 2, 1
Versions = dict[str, int]  # by name of a file, which content it has


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--entries', type=int, default=1000, help='of each writer, at the start')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


def content(folder: str, name: str, version: int) -> bytes:
    """Of a file; no two are equal, so no two distances are."""
    return f'{folder} {name} in version {version}'.encode()


@cache
def wanted_feature(folder: str, name: str, version: int) -> np.ndarray:
    """What the index has to hold of it."""
    return feature_of(content(folder, name, version))


class Writer:
    """Changes a folder of images, brings the index up to date with it, and keeps a log.

    Args:
        base: folder of all.
        number: of the writer.
        removes: remove images too.
        args: of the command.
    """

    def __init__(self, base: Path, number: int, removes: bool, args: argparse.Namespace) -> None:
        self.index, self.photos = base / 'index', base / f'photos_{number}'
        self.log, self.removes = base / f'log_{number}', removes
        self.draw = random.Random(f'{args.seed} {number}')
        self.present: Versions = {}
        self.count = 0
        self.photos.mkdir()
        self.write(self.new_names(args.entries))

    def new_names(self, count: int) -> Versions:
        """Images that were never there."""
        self.count += count
        return {
            f'{number // 4:05}_c{number % 2}_{number}.png': 0
            for number in range(self.count - count, self.count)
        }

    def write(self, versions: Versions) -> None:
        """Write files."""
        for name, version in versions.items():
            (self.photos / name).write_bytes(content(self.photos.name, name, version))
        self.present |= versions

    def note(self, **record: Any) -> None:
        """Append a line to the log."""
        with self.log.open('a') as file:
            file.write(json.dumps(record) + '\n')

    def round(self) -> None:
        """One update: what is new, changed and, of the one that removes, gone."""
        known = sorted(self.present)
        changed = {name: self.present[name] + 1 for name in self.draw.sample(known, 3)}
        gone = self.draw.sample(sorted(set(known) - set(changed)), 5) if self.removes else []
        written = changed | self.new_names(5)
        self.note(begin=written, gone=gone)
        self.write(written)
        for name in gone:
            (self.photos / name).unlink()
            del self.present[name]
        with hold_index(self.index, timeout=600):
            index = load_index(self.index)
            update_gallery(index, FileFeatures(), [self.photos], prune=self.removes)
            save_index(index, self.index)
        self.note(done=True)

    def run(self, end: float) -> None:
        """Rounds until a time."""
        while time.monotonic() < end:
            self.round()
            time.sleep(self.draw.uniform(0, 0.1))  # who polls for the lock has a chance too


class Oracle:
    """What the log of a writer says that the index may hold.

    Args:
        writer: as it was at the start.
    """

    def __init__(self, writer: Writer) -> None:
        self.log, self.folder = writer.log, str(writer.photos)
        self.states, self.done, self._read = [dict(writer.present)], 0, 0

    def read_on(self) -> None:
        """Read what was noted since."""
        if not self.log.exists():
            return
        lines = self.log.read_text().split('\n')[:-1]
        for record in map(json.loads, lines[self._read :]):
            if 'done' in record:
                self.done += 1
            else:
                state = self.states[-1] | record['begin']
                self.states.append(
                    {name: version for name, version in state.items() if name not in record['gone']}
                )
        self._read = len(lines)

    def matches(self, found: dict[str, np.ndarray], first: int) -> bool:
        """Whether features by name are those of a state, the one with number `first` or later."""
        return any(
            found.keys() == state.keys()
            and np.allclose(
                [found[name] for name in state],
                [wanted_feature(Path(self.folder).name, *file) for file in state.items()],
                rtol=0,
                atol=1e-6,
            )
            for state in self.states[first:]
        )


class Asker:
    """Loads the index, checks its state and asks it.

    Args:
        base: folder of all.
        oracles: of the writers.
        seed: of the questions.
    """

    def __init__(self, base: Path, oracles: list[Oracle], seed: str) -> None:
        self.folder, self.oracles, self.draw = base / 'index', oracles, random.Random(seed)

    def round(self) -> list[str]:
        """One question: what is wrong with the state or the answer."""
        for oracle in self.oracles:
            oracle.read_on()
        first = [oracle.done for oracle in self.oracles]
        index = load_index(self.folder)
        for oracle in self.oracles:
            oracle.read_on()
        return wrong_states(index, self.oracles, first) + self.wrong_answers(index)

    def wrong_answers(self, index: GalleryIndex) -> list[str]:
        """Three entries and a stranger, against all distances in float64."""
        units = index.features().astype(np.float64)
        rows = self.draw.sample(range(len(index)), 3)
        stranger = feature_of(str(self.draw.random()).encode())
        queries = np.vstack([units[rows], stranger]).astype(np.float32)
        result, wrong = index.search(queries, 5), []
        for query, hits in zip(queries.astype(np.float64), result.hits):
            distances = 1 - units @ query
            wanted = np.argsort(distances, kind='stable')[:5]
            names = [index.entries[row].name for row in wanted]
            if names != [hit.entry.name for hit in hits] or any(
                abs(distances[row] - hit.distance) > 1e-5 for row, hit in zip(wanted, hits)
            ):
                wrong.append(f'a wrong answer: {hits}')
        return wrong

    def run(self, end: float) -> tuple[int, list[str]]:
        """Rounds until a time: their number, and what was wrong."""
        count, wrong = 0, []
        while time.monotonic() < end:
            try:
                wrong += self.round()
            except Exception as error:
                wrong.append(repr(error))
            count += 1
        return count, wrong


def wrong_states(index: GalleryIndex, oracles: list[Oracle], first: list[int]) -> list[str]:
    """Of which writers the entries are of no whole update that may be there."""
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
    """The writers, and an index of all their images."""
    writers = [
        Writer(base, number, number >= UPDATING, args) for number in range(UPDATING + REMOVING)
    ]
    index = GalleryIndex(FileFeatures.feat_dims)
    update_gallery(index, FileFeatures(), [writer.photos for writer in writers])
    save_index(index, base / 'index')
    return writers, [Oracle(writer) for writer in writers]


def ask(asker: Asker, end: float, results: Any) -> None:
    """In a process of its own."""
    results.put(asker.run(end))


def check(base: Path, args: argparse.Namespace) -> tuple[Counter, list[str]]:
    """All at once: what was done, and what was wrong."""
    writers, oracles = start(base, args)
    context = multiprocessing.get_context('fork')
    results, end = context.Queue(), time.monotonic() + args.seconds
    askers = [Asker(base, oracles, f'{args.seed} {number}') for number in range(ASKING)]
    processes = [context.Process(target=ask, args=(asker, end, results)) for asker in askers]
    processes += [context.Process(target=writer.run, args=(end,)) for writer in writers]
    for process in processes:
        process.start()
    found = [results.get() for _ in askers]
    for process in processes:
        process.join()
    wrong = [text for _, texts in found for text in texts]
    wrong += [
        f'a process ended with {process.exitcode}' for process in processes if process.exitcode
    ]
    for oracle in oracles:
        oracle.read_on()
    wrong += wrong_states(load_index(base / 'index'), oracles, [oracle.done for oracle in oracles])
    named = {
        facts['file']
        for facts in json.loads((base / 'index' / 'manifest.json').read_text())['files'].values()
    }
    left = {path.name for path in (base / 'index').iterdir()} - named - {'manifest.json', '.lock'}
    wrong += [f'left over: {left}'] * bool(left)
    count = Counter(
        questions=sum(count for count, _ in found),
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
        f'{count["questions"]} questions by {ASKING} processes, {count["updates"]} updates by '
        f'{UPDATING} and {count["removals"]} with removals by {REMOVING}, all at once in '
        f'{args.seconds:g} s; {count["entries"]} entries at the end; {len(wrong)} wrong'
    )
    for text in wrong[:5]:
        print(f'  {text}')
    raise SystemExit(1 if wrong else 0)


if __name__ == '__main__':
    main()
