"""What a gallery holds: changed by one thread at a time, and read whole by others meanwhile."""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..interrupts import uninterrupted
from .build import subset, train
from .entries import Entries, Entry
from .kinds import Kind, faiss_errors
from .storage import ROWS, VECTORS


class State(NamedTuple):
    """A gallery between two changes.

    Attributes:
        kind: of the index, with all its numbers once something was added.
        vectors: faiss index of the unit features; None: nothing was added yet.
        entries: of its rows.
    """

    kind: Kind
    vectors: Any
    entries: Entries


class Contents:
    """Vectors and entries that fit together, whoever asks and whatever interrupts a change.

    A state is replaced in one step; entries are only appended to the present one, while nobody
    reads. A change that fails leaves the state as it was.

    Args:
        kind: of the index.

    Attributes:
        unsaved: which of `ROWS` and `VECTORS` are others than in the folder.
    """

    def __init__(self, kind: Kind) -> None:
        self.unsaved = {ROWS}
        self._state = State(kind, None, Entries())
        self._make_locks()

    def __getstate__(self) -> dict[str, Any]:
        return dict(unsaved=self.unsaved, _state=self._state)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_locks()

    def _make_locks(self) -> None:
        self._changing, self._using = threading.RLock(), threading.RLock()

    @property
    def state(self) -> State:
        """The present one; its vectors may only be used in `reading` or `changing`."""
        return self._state

    @contextmanager
    def reading(self) -> Iterator[State]:
        """The state, which stays as it is in this context."""
        with self._using:
            yield self._state

    @contextmanager
    def changing(self) -> Iterator[State]:
        """The state, which no other thread changes in this context, while all may read it."""
        with self._changing:
            yield self._state

    def replace(self, state: State, unsaved: Collection[str] = (ROWS, VECTORS)) -> None:
        """Put another state in the place of this one.

        Args:
            state: the other.
            unsaved: what is new in it.
        """
        with self._changing, self._using:
            self.unsaved |= set(unsaved)
            self._state = state

    def change(self, removed: Collection[str], units: np.ndarray, added: Sequence[Entry]) -> None:
        """Remove entries and append others, in one step; the first that are added train the index.

        Args:
            removed: names that are there.
            units: unit features of the new entries, shape (N, C).
            added: these entries; their names are new, or removed.

        Raises:
            ValueError: if there are too few to train with.
            MemoryError, RuntimeError: as `faiss_errors`.
        """
        doing = f'change an index of {len(self._state.entries)} entries'
        with self._changing, faiss_errors(doing):
            kind, vectors, entries = self._state
            if vectors is None:
                kind, vectors = train(kind, units)
                self._append(State(kind, vectors, Entries()), units, added)
            elif removed:
                rows = [row for row, entry in enumerate(entries) if entry.name not in removed]
                entries = Entries(entries[row] for row in rows)
                self._append(State(kind, subset(vectors, rows), entries), units, added)
            else:
                with uninterrupted(), self._using:
                    self._append(self._state, units, added)

    def _append(self, state: State, units: np.ndarray, added: Sequence[Entry]) -> None:
        if added:
            state.vectors.add(units)
            state.entries.extend(added)
        self.replace(state)


def features_of(state: State, dims: int, rows: Sequence[int] | None = None) -> np.ndarray:
    """Unit features of rows, shape (N, C), float32; None: of all.

    Args:
        state: in `reading` or `changing`.
        dims: C.
        rows: N of them.

    Raises:
        IndexError: if there is no such row.
    """
    count = len(state.entries)
    wanted = np.arange(count) if rows is None else np.asarray(rows, np.int64).reshape(-1)
    if len(wanted) and not 0 <= wanted.min() <= wanted.max() < count:
        raise IndexError(f'rows are 0 to {count - 1}, got {wanted.min()} to {wanted.max()}')
    if not len(wanted):
        return np.empty((0, dims), np.float32)
    return state.vectors.reconstruct_batch(wanted)
