"""Writers that change one index at the same time, and the states that a reader may see."""

import json
import random
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reid_fusedloss.apis import update_gallery
from reid_fusedloss.search import hold_index, load_index, save_index

from .scenarios import MODEL, feature_of

Versions = dict[str, int]  # version of a file's content, by name


class Writer:
    """Changes a folder of images, updates the index, and logs both.

    Args:
        base: folder of the whole check.
        number: of the writer.
        removes: remove images too.
        entries: number of images at the start.
        seed: of the random changes.
    """

    def __init__(self, base: Path, number: int, removes: bool, entries: int, seed: int) -> None:
        self.index, self.photos = base / 'index', base / f'photos_{number}'
        self.log, self.removes = base / f'log_{number}', removes
        self.random = random.Random(f'{seed} {number}')
        self.present: Versions = {}
        self.count = 0
        self.photos.mkdir()
        self.write(self.new_names(entries))

    def new_names(self, count: int) -> Versions:
        """Name images that never existed before."""
        self.count += count
        return {
            f'{number // 4:05}_c{number % 2}_{number}.png': 0
            for number in range(self.count - count, self.count)
        }

    def write(self, versions: Versions) -> None:
        for name, version in versions.items():
            (self.photos / name).write_bytes(_content(self.photos.name, name, version))
        self.present |= versions

    def note(self, **record: Any) -> None:
        with self.log.open('a') as file:
            file.write(json.dumps(record) + '\n')

    def round(self) -> None:
        """Add and change images, remove some if this writer does, and update the index."""
        known = sorted(self.present)
        changed = {name: self.present[name] + 1 for name in self.random.sample(known, 3)}
        removed = self.random.sample(sorted(set(known) - set(changed)), 5) if self.removes else []
        written = changed | self.new_names(5)
        self.note(written=written, removed=removed)
        self.write(written)
        for name in removed:
            (self.photos / name).unlink()
            del self.present[name]
        with hold_index(self.index, timeout=600):
            index = load_index(self.index)
            update_gallery(index, MODEL, [self.photos], prune=self.removes)
            save_index(index, self.index)
        self.note(done=True)

    def run(self, end: float) -> None:
        while time.monotonic() < end:
            self.round()
            time.sleep(self.random.uniform(0, 0.1))  # lets others get the lock


class Oracle:
    """The states of a writer's entries that the index may hold, according to the writer's log.

    Args:
        writer: as it was at the start.
    """

    def __init__(self, writer: Writer) -> None:
        self.log, self.folder = writer.log, str(writer.photos)
        self.states, self.done, self._read = [dict(writer.present)], 0, 0

    def read_on(self) -> None:
        """Read the new lines of the log."""
        if not self.log.exists():
            return
        lines = self.log.read_text().split('\n')[:-1]
        for record in map(json.loads, lines[self._read :]):
            if 'done' in record:
                self.done += 1
                continue
            state = self.states[-1] | record['written']
            removed = record['removed']
            self.states.append({name: state[name] for name in state if name not in removed})
        self._read = len(lines)

    def matches(self, found: dict[str, np.ndarray], first: int) -> bool:
        """Whether features by name are those of a state, number `first` or later."""
        return any(
            found.keys() == state.keys()
            and np.allclose(
                [found[name] for name in state],
                [_wanted_feature(Path(self.folder).name, *file) for file in state.items()],
                rtol=0,
                atol=1e-6,
            )
            for state in self.states[first:]
        )


def _content(folder: str, name: str, version: int) -> bytes:
    """Make the content of a file; all are different, so all distances are."""
    return f'{folder} {name} in version {version}'.encode()


@cache
def _wanted_feature(folder: str, name: str, version: int) -> np.ndarray:
    return feature_of(_content(folder, name, version))
