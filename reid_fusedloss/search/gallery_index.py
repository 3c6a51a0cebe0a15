"""A gallery in memory, by faiss; a folder keeps it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .build import adjusted, is_same_build
from .contents import Contents, features_of
from .entries import (
    Entries,
    Entry,
    Label,
    check_found,
    check_relabelled,
    choose_added,
    numeric_labels,
)
from .faiss_library import load_faiss
from .gallery import Gallery
from .kinds import IVFPQ, Kind, KindConfig, make_kind
from .open_set import OpenSetThreshold
from .rerank import Rerank
from .result import SearchResult
from .search_contents import search_contents
from .storage import ROWS


class GalleryIndex(Gallery):
    """A gallery in memory; ties of a search are in the order of the rows.

    All changes are made in memory; `save_index` writes them to a folder, `load_index` reads it.
    Threads may search while another one changes the index; each sees the state before or after the
    change. A graph (hnsw) is built again when entries are removed or replaced, which takes as long
    as the first time; ivfpq encodes its approximations again.

    Args:
        dims: width of the features.
        kind: 'flat' (exact), 'ivf', 'hnsw', 'ivfpq', or dict(type=name, option=...), see
            `search.kinds`.
        model: see `Gallery`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or is out of range.
        ImportError: if faiss is not installed.
    """

    def __init__(self, dims: int, kind: KindConfig = 'flat', model: str | None = None) -> None:
        super().__init__(dims, model)
        load_faiss()
        self.contents = Contents(make_kind(kind))
        self.pattern: str | None = None
        self._threshold: OpenSetThreshold | None = None
        self.manifest: dict[str, Any] | None = None  # manifest of the state on the disk

    @property
    def entries(self) -> Entries:
        """Return the entries by row."""
        return self.contents.state.entries

    @property
    def vectors(self) -> Any:
        """Return the faiss index of the unit features; None before the first addition."""
        return self.contents.state.vectors

    @property
    def kind(self) -> Kind:
        """Return the kind of the index with its options.

        The options of the search, nprobe and ef_search, can be set. Options of the build that are
        not given stay; setting another value is a ValueError, see `rebuilt`.
        """
        return self.contents.state.kind

    @kind.setter
    def kind(self, kind: KindConfig) -> None:
        with self.contents.changing() as state:
            new = adjusted(state.kind, kind)
            if not is_same_build(new, state.kind):
                raise ValueError(
                    f'the index is built as {state.kind}: use rebuilt({new}) to make another'
                )
            self.contents.replace(state._replace(kind=new), unsaved=())

    def in_kind(self, kind: KindConfig) -> 'GalleryIndex':
        """Return this index, or another one if options of the build differ, see `rebuilt`."""
        new = adjusted(self.kind, kind)
        if not is_same_build(new, self.kind):
            return self.rebuilt(new)
        self.kind = new
        return self

    def find(self, names: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of those of the names that exist."""
        entries = self.entries
        rows = {name: entries.row_of(name) for name in names}
        return {name: entries[row] for name, row in rows.items() if row is not None}

    def numeric_labels(self) -> set[str]:
        """Return which of 'pid' and 'camid' are numbers wherever they are known."""
        return numeric_labels(self.entries)

    def relabel(self, label: Callable[[Entry], Entry]) -> None:
        """Change identities, cameras or infos of entries; names and rows stay.

        Args:
            label: function from an entry to its replacement.

        Raises:
            ValueError: if it changes a name.
        """
        with self.contents.changing() as state:
            entries = Entries(map(label, state.entries))
            for old, entry in zip(state.entries, entries):
                check_relabelled(old, entry)
            if list(entries) != list(state.entries):
                self.contents.replace(state._replace(entries=entries), [ROWS])

    def features(self, rows: Sequence[int] | None = None) -> np.ndarray:
        """Return unit features of rows; approximations for ivfpq.

        Args:
            rows: N rows; None: all.

        Returns:
            Shape (N, C), float32.

        Raises:
            IndexError: if a row does not exist.
        """
        with self.contents.reading() as state:
            return features_of(state, self.dims, rows)

    def rebuilt(self, kind: KindConfig) -> 'GalleryIndex':
        """Build the same gallery as another kind of index, or train it again; it can replace this.

        Raises:
            ValueError: if this index is ivfpq, or there are too few entries to train the new one.
        """
        with self.contents.changing() as state:
            if isinstance(state.kind, IVFPQ) and len(state.entries):
                raise ValueError(
                    'an ivfpq index holds only approximations, from which no other index can be '
                    'made: build one again from the images or their features'
                )
            other = GalleryIndex(self.dims, kind, self.model)
            other.threshold, other.pattern = self.threshold, self.pattern
            other.manifest = self.manifest
            if len(state.entries):
                other.contents.change((), features_of(state, self.dims), list(state.entries))
        return other

    def _read_threshold(self) -> OpenSetThreshold | None:
        return self._threshold

    def _keep_threshold(self, threshold: OpenSetThreshold | None) -> None:
        self._threshold = threshold

    def _add(self, units: np.ndarray, entries: list[Entry], duplicates: str) -> list[str]:
        with self.contents.changing() as state:
            chosen = choose_added(state.entries, [entry.name for entry in entries], duplicates)
            added = [entries[i] for i in chosen]
            if added:
                replaced = {entry.name for entry in added if entry.name in state.entries}
                self.contents.change(replaced, units[chosen], added)
        return [entry.name for entry in added]

    def _remove(self, names: Sequence[str]) -> None:
        with self.contents.changing() as state:
            check_found(names, state.entries)
            if len(names):
                self.contents.change(set(names), np.empty((0, self.dims), np.float32), [])

    def _search(
        self,
        units: np.ndarray,
        k: int,
        names: Sequence[str] | None,
        camids: Sequence[Label] | None,
        rerank: Rerank | None,
        threshold: float | None,
    ) -> SearchResult:
        return search_contents(self.contents, units, k, names, camids, rerank, threshold)
