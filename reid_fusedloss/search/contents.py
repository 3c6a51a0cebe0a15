"""The contents of a gallery: one thread changes them while others read a consistent state."""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..interrupts import uninterrupted
from .build import subset, train
from .entries import Entries, Entry
from .faiss_library import faiss_errors
from .kinds import Kind
from .storage import ROWS, VECTORS


class State(NamedTuple):
    """State of a gallery between two changes.

    Attributes:
        kind: kind of the index, with all its options set after the first addition.
        vectors: faiss index of the unit features; None: nothing was added yet.
        entries: entries of its rows.
    """

    kind: Kind
    vectors: Any
    entries: Entries


class Contents:
    """Vectors and entries that stay consistent with each other, also if a change is interrupted.

    A state is replaced in one step, or entries are appended to it while no thread reads. A change
    that fails leaves the state as it was.

    Args:
        kind: kind of the index.

    Attributes:
        unsaved: which of `ROWS` and `VECTORS` differ from the files in the folder.
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
        """Return the current state; use its vectors only in `reading` or `changing`."""
        return self._state

    @contextmanager
    def reading(self) -> Iterator[State]:
        """Keep the state unchanged in this context."""
        with self._using:
            yield self._state

    @contextmanager
    def changing(self) -> Iterator[State]:
        """Let no other thread change the state in this context, while all may read it."""
        with self._changing:
            yield self._state

    def replace(self, state: State, unsaved: Collection[str] = (ROWS, VECTORS)) -> None:
        """Replace the state.

        Args:
            state: the new state.
            unsaved: the parts that are new.
        """
        with self._changing, self._using:
            self.unsaved |= set(unsaved)
            self._state = state

    def change(self, removed: Collection[str], units: np.ndarray, added: Sequence[Entry]) -> None:
        """Remove entries and append others in one step; the first addition trains the index.

        Args:
            removed: names of existing entries.
            units: unit features of the new entries, shape (N, C).
            added: the new entries; their names are new, or among the removed ones.

        Raises:
            ValueError: if there are too few entries to train the index.
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


def features_of(
    state: State, dims: int, rows: Sequence[int] | np.ndarray | None = None
) -> np.ndarray:
    """Return the unit features of some rows.

    Args:
        state: a state in `reading` or `changing`.
        dims: width C of the features.
        rows: N rows; None: all.

    Returns:
        Shape (N, C), float32.

    Raises:
        IndexError: if a row does not exist.
    """
    count = len(state.entries)
    wanted = np.arange(count) if rows is None else np.asarray(rows, np.int64).reshape(-1)
    if len(wanted) and not 0 <= wanted.min() <= wanted.max() < count:
        raise IndexError(f'rows must be 0 to {count - 1}, got {wanted.min()} to {wanted.max()}')
    if not len(wanted):
        return np.empty((0, dims), np.float32)
    features: np.ndarray = state.vectors.reconstruct_batch(wanted)
    return features
