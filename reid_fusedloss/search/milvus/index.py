"""A gallery on a Milvus server."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import numpy as np

from ..build import adjusted, is_same_build
from ..entries import Entry, Label, check_found, check_relabelled, choose_added
from ..gallery import Gallery
from ..kinds import MILVUS_KINDS, Kind, KindConfig
from ..open_set import OpenSetThreshold
from ..rerank import Rerank
from ..result import SearchResult
from .address import MilvusAddress
from .connection import LONG, Connection
from .entries import MilvusEntries
from .facts import Facts, change_facts, read_facts
from .kinds import index_parameters
from .nearest import as_result, nearest_entries
from .rows import (
    BLOCK,
    CAMID,
    ENTRY,
    KEY,
    PID,
    VECTOR,
    blocks,
    keys_of,
    rows_at_once,
    to_entry,
    to_row,
)


class MilvusIndex(Gallery):
    """A gallery on a Milvus server; ties of a search are in the order of the names.

    Changes are kept at once, and several processes may make them: an entry is identified by its
    name, and of two that write the same name the later one wins. `open_milvus` makes one.

    Args:
        connection: to an existing collection of this package.

    Attributes:
        address: of the collection.

    Raises:
        ValueError: if the collection is not one of this package.
    """

    on_server: ClassVar[bool] = True

    def __init__(self, connection: Connection) -> None:
        facts, dims = read_facts(connection)
        super().__init__(dims, facts.model)
        self._connection = connection

    @property
    def address(self) -> MilvusAddress:
        """Return the address of the collection."""
        return self._connection.address

    @property
    def entries(self) -> MilvusEntries:
        """Return the entries, in no particular order."""
        return MilvusEntries(self._connection)

    @property
    def kind(self) -> Kind:
        """Return the kind of the index with its options."""
        return self._facts().kind

    @property
    def pattern(self) -> str | None:
        """Return the regular expression by which labels are read from file names, or None."""
        return self._facts().pattern

    @pattern.setter
    def pattern(self, pattern: str | None) -> None:
        change_facts(self._connection, pattern=pattern)

    def in_kind(self, kind: KindConfig) -> 'MilvusIndex':
        """Change the kind of the index on the server, which others use meanwhile, and return this.

        If options of the build differ, the collection is unloaded until the server has loaded the
        new index; nothing is found in it in that time.
        """
        old = self.kind
        new = adjusted(old, kind, MILVUS_KINDS)
        if not is_same_build(new, old):
            write = self._connection.write
            write('release_collection', 'unload the collection')
            write('drop_index', 'drop its index', index_name=VECTOR)
            parameters = index_parameters(self._connection.pymilvus, new)
            write('create_index', 'build an index', timeout=LONG, index_params=parameters)
            write('load_collection', 'load the collection', timeout=LONG)
        change_facts(self._connection, kind=new)
        return self

    def find(self, names: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of those of the names that exist."""
        found: dict[str, Entry] = {}
        for block in blocks(names):
            rows = self._connection.call(
                'query', 'look names up', ids=keys_of(block), output_fields=[ENTRY]
            )
            found |= {entry.name: entry for entry in map(to_entry, rows)}
        return found

    def numeric_labels(self) -> set[str]:
        """Return which of 'pid' and 'camid' are numbers wherever they are known."""
        return {
            field
            for field in (PID, CAMID)
            if self._has(f'{field} like "i%"') and not self._has(f'{field} like "s%"')
        }

    def relabel(self, label: Callable[[Entry], Entry]) -> None:
        """Change identities, cameras or infos of entries; names stay.

        While it runs, others should not remove entries: one could come back.

        Args:
            label: function from an entry to its replacement.

        Raises:
            ValueError: if it changes a name.
        """
        for rows in self._connection.visit([ENTRY], BLOCK):
            changed = {}
            for entry in map(to_entry, rows):
                new = label(entry)
                check_relabelled(entry, new)
                if new != entry:
                    changed[entry.name] = new
            names = list(changed)
            if names:
                self._write(self.features(names), [changed[name] for name in names])

    def features(self, names: Sequence[str]) -> np.ndarray:
        """Return unit features of entries.

        Args:
            names: N names.

        Returns:
            Shape (N, C), float32.

        Raises:
            ValueError: if a name is unknown.
        """
        units: dict[str, np.ndarray] = {}
        for block in blocks(names, min(BLOCK, rows_at_once(self.dims))):
            rows = self._connection.call(
                'query', 'fetch features', ids=keys_of(block), output_fields=[ENTRY, VECTOR]
            )
            units |= {to_entry(row).name: np.asarray(row[VECTOR], np.float32) for row in rows}
        check_found(names, units)
        return np.array([units[name] for name in names], np.float32).reshape(-1, self.dims)

    def _facts(self) -> Facts:
        return read_facts(self._connection)[0]

    def _has(self, condition: str) -> bool:
        return bool(
            self._connection.call(
                'query', 'look labels up', filter=condition, output_fields=[KEY], limit=1
            )
        )

    def _read_threshold(self) -> OpenSetThreshold | None:
        return self._facts().threshold

    def _keep_threshold(self, threshold: OpenSetThreshold | None) -> None:
        change_facts(self._connection, threshold=threshold)

    def _add(self, units: np.ndarray, entries: list[Entry], duplicates: str) -> list[str]:
        names = [entry.name for entry in entries]
        existing = set() if duplicates == 'replace' else set(self.find(names))
        chosen = choose_added(existing, names, duplicates)
        added = [entries[i] for i in chosen]
        self._write(units[chosen], added)
        return [entry.name for entry in added]

    def _write(self, units: np.ndarray, entries: Sequence[Entry]) -> None:
        for rows in blocks(map(to_row, entries, units), rows_at_once(self.dims)):
            self._connection.write('upsert', 'add entries', data=rows)
        if self.address.is_lite and len(entries) >= BLOCK:
            # Lite reads what is not in a file yet row by row, 30 times as slow for 10,000 rows;
            # Milvus itself decides when to write files
            self._connection.write('flush', 'write entries to files')

    def _remove(self, names: Sequence[str]) -> None:
        check_found(names, self.find(names))
        for block in blocks(names):
            self._connection.write('delete', 'remove entries', ids=keys_of(block))

    def _search(
        self,
        units: np.ndarray,
        k: int,
        names: Sequence[str] | None,
        camids: Sequence[Label] | None,
        rerank: Rerank | None,
        threshold: float | None,
    ) -> SearchResult:
        wanted = max(k, rerank.candidates) if rerank else k
        width = wanted + (names is not None)
        found = nearest_entries(
            self._connection, self.kind, units, width, camids, units=rerank is not None
        )
        if names is not None:
            found = [
                [hit for hit in hits if hit.entry.name != name] for name, hits in zip(names, found)
            ]
        return as_result([hits[:wanted] for hits in found], units, k, rerank, threshold)
