"""Entries of a gallery: a name each, and optionally an identity and a camera."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple, Protocol

Label = int | str | None


class Entry(NamedTuple):
    """An entry of a gallery.

    Attributes:
        name: unique name, such as its path.
        pid: its identity; None: unknown.
        camid: its camera; None: unknown.
        info: any other data that JSON can hold, or None.
    """

    name: str
    pid: Label = None
    camid: Label = None
    info: dict[str, Any] | None = None


class Names(Protocol):
    """Something that knows whether it has a name."""

    def __contains__(self, name: str, /) -> bool: ...


class EntryView(Names, Protocol):
    """The entries of a gallery, to count, to visit and to look a name up."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Entry]: ...


class Entries:
    """The entries of a gallery, by row and by name.

    Args:
        entries: entries with distinct names.

    Raises:
        ValueError: if two entries have the same name.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = list(entries)
        self._rows = {entry.name: row for row, entry in enumerate(self._entries)}
        if len(self._rows) < len(self._entries):
            raise ValueError('two entries have the same name')

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, row: int) -> Entry:
        return self._entries[row]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def row_of(self, name: str) -> int | None:
        """Return the row of a name, or None."""
        return self._rows.get(name)

    def extend(self, entries: Sequence[Entry]) -> None:
        """Append entries with new names."""
        for entry in entries:
            self._rows[entry.name] = len(self._entries)
            self._entries.append(entry)


def choose_added(entries: Names, names: Sequence[str], duplicates: str) -> list[int]:
    """Choose which new entries to add, if some names exist already or occur twice.

    Args:
        entries: existing entries, or their names.
        names: names of the new entries.
        duplicates: 'skip' keeps the first entry of a name, 'replace' the last, 'error' raises.

    Returns:
        Indices into `names`, ascending.

    Raises:
        ValueError: if there are duplicates and they are errors.
    """
    if duplicates == 'replace':
        return sorted({name: i for i, name in enumerate(names)}.values())
    first = {name: i for i, name in reversed(list(enumerate(names))) if name not in entries}
    if duplicates == 'error' and len(first) < len(names):
        twice = next(name for i, name in enumerate(names) if first.get(name) != i)
        raise ValueError(
            f'{len(names) - len(first)} of {len(names)} names exist already, '
            f"or are given twice, such as {twice!r}: set duplicates='skip' or 'replace'"
        )
    return sorted(first.values())


def make_entries(
    names: Sequence[str],
    pids: Sequence[Label] | None = None,
    camids: Sequence[Label] | None = None,
    infos: Sequence[Mapping[str, Any] | None] | None = None,
) -> list[Entry]:
    """Make entries from columns of equal length; None as a column: unknown for all.

    Raises:
        TypeError: if a name is not a string, a label neither an integer nor a string nor None, or
            an info not a dict that JSON can hold.
        ValueError: if the lengths differ.
    """
    columns = dict(names=names, pids=pids, camids=camids, infos=infos)
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1:
        raise ValueError(f'the columns differ in length: {lengths}')
    filled = [[None] * len(names) if column is None else column for column in columns.values()]
    return [
        Entry(_name(name), _label('pid', pid), _label('camid', camid), _info(info))
        for name, pid, camid, info in zip(*filled)
    ]


def numeric_labels(entries: Iterable[Entry]) -> set[str]:
    """Return which of 'pid' and 'camid' are numbers wherever they are known."""
    types: dict[str, set[type]] = dict(pid=set(), camid=set())
    for entry in entries:
        types['pid'].add(type(entry.pid))
        types['camid'].add(type(entry.camid))
    return {field for field, seen in types.items() if seen - {type(None)} == {int}}


def with_numbers(queries: Iterable[Entry], numeric: Collection[str]) -> list[Entry]:
    """Convert identities and cameras of queries to numbers where those of the gallery are numbers.

    File names contain '0007' and data sets hold 7, which would not compare as equal.

    Args:
        queries: entries to convert; labels that are not numbers stay as they are.
        numeric: of the gallery, see `numeric_labels`.
    """
    return [
        query._replace(
            pid=_number(query.pid) if 'pid' in numeric else query.pid,
            camid=_number(query.camid) if 'camid' in numeric else query.camid,
        )
        for query in queries
    ]


def check_found(names: Sequence[str], found: Names) -> None:
    """Refuse names that are not in a gallery.

    Args:
        names: all names.
        found: those that exist.

    Raises:
        ValueError: if one is missing.
    """
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(
            f'{len(missing)} of {len(names)} names are not in the gallery, such as {missing[0]!r}'
        )


def check_relabelled(entry: Entry, new: Entry) -> None:
    """Refuse a new label that comes with another name.

    Raises:
        ValueError: if the names differ.
    """
    if new.name != entry.name:
        raise ValueError(
            'label() must keep the names of entries: to rename one, remove it and add it again'
        )


def to_line(entry: Entry) -> str:
    """Encode an entry as a line of JSON in ASCII, which also keeps undecodable file names."""
    return json.dumps(entry)


def from_lines(lines: Iterable[str]) -> list[Entry]:
    """Decode entries from lines of JSON.

    Raises:
        ValueError: if a line is not an entry.
    """
    try:
        rows = [json.loads(line) for line in lines]
        if any(not isinstance(row, list) or len(row) != len(Entry._fields) for row in rows):
            raise ValueError('it has other fields')
        return make_entries(*zip(*rows)) if rows else []
    except (TypeError, ValueError) as error:
        raise ValueError(f'a line is not an entry of a gallery: {error}') from None


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f'the name of an entry must be a string, got {value!r}')
    return value


def _label(name: str, value: Any) -> Label:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f'{name} must be an integer, a string or None, got {value!r}')
    return int(value)


def _number(label: Label) -> Label:
    return int(label) if isinstance(label, str) and re.fullmatch(r'-?\d+', label) else label


def _info(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f'info must be a dict or None, got {value!r}')
    try:
        info: dict[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(f'info must be data that JSON can hold, got {value!r}: {error}') from None
    return info
