"""What is known of the entries of a gallery: a name each, perhaps an identity and a camera."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

Label = int | str | None


class Entry(NamedTuple):
    """An entry of a gallery.

    Attributes:
        name: its path, or what stands for one; each name is there once.
        pid: its identity, or None: unknown.
        camid: its camera, or None: unknown.
        info: anything else, as JSON knows it; or None.
    """

    name: str
    pid: Label = None
    camid: Label = None
    info: dict[str, Any] | None = None


class Entries:
    """The entries of a gallery, by row and by name.

    Args:
        entries: of different names.

    Raises:
        ValueError: if a name is there twice.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = list(entries)
        self._rows = {entry.name: row for row, entry in enumerate(self._entries)}
        if len(self._rows) < len(self._entries):
            raise ValueError('a name is there twice')

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, row: int) -> Entry:
        return self._entries[row]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def row_of(self, name: str) -> int | None:
        """Where a name is, or None."""
        return self._rows.get(name)

    def extend(self, entries: Sequence[Entry]) -> None:
        """Append entries whose names are new."""
        for entry in entries:
            self._rows[entry.name] = len(self._entries)
            self._entries.append(entry)


def choose_added(entries: Entries, names: Sequence[str], duplicates: str) -> list[int]:
    """Which of new names are to be added, where some are there already, or twice among them.

    Args:
        entries: that are there.
        names: of the new.
        duplicates: 'skip' keeps the first of a name, 'replace' the last, 'error' refuses.

    Raises:
        ValueError: if a name is a duplicate and these are errors.
    """
    if duplicates == 'replace':
        return sorted({name: i for i, name in enumerate(names)}.values())
    first = {name: i for i, name in reversed(list(enumerate(names))) if name not in entries}
    if duplicates == 'error' and len(first) < len(names):
        twice = next(name for i, name in enumerate(names) if first.get(name) != i)
        raise ValueError(
            f'{len(names) - len(first)} of {len(names)} names are there already, '
            f"or twice, such as {twice!r}: duplicates='skip' or 'replace'"
        )
    return sorted(first.values())


def make_entries(
    names: Sequence[str],
    pids: Sequence[Label] | None = None,
    camids: Sequence[Label] | None = None,
    infos: Sequence[Mapping | None] | None = None,
) -> list[Entry]:
    """Entries from columns of equal length; a column that is None is unknown throughout.

    Raises:
        TypeError: if a name is no string, a label neither an integer nor a string nor None, or
            an info no dict that JSON can hold.
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


def labelled_like(queries: Iterable[Entry], gallery: Sequence[Entry]) -> list[Entry]:
    """Entries whose identities and cameras are numbers where all of the gallery's are.

    File names tell '0007', data sets hold 7: as they stand they would never be the same.

    Args:
        queries: a label that is not the text of a number stays a text.
        gallery: what they will be compared with.
    """
    queries = list(queries)
    for field in ('pid', 'camid'):
        if {type(getattr(entry, field)) for entry in gallery} - {type(None)} == {int}:
            queries = [
                entry._replace(**{field: _number(getattr(entry, field))}) for entry in queries
            ]
    return queries


def to_line(entry: Entry) -> str:
    """An entry as a line of JSON, in ASCII; a file name that is no Unicode survives it."""
    return json.dumps(entry)


def from_lines(lines: Iterable[str]) -> list[Entry]:
    """Entries from their lines.

    Raises:
        ValueError: if a line is none.
    """
    try:
        rows = [json.loads(line) for line in lines]
        if any(not isinstance(row, list) or len(row) != len(Entry._fields) for row in rows):
            raise ValueError('it has other fields')
        return make_entries(*zip(*rows)) if rows else []
    except (TypeError, ValueError) as error:
        raise ValueError(f'a line is no entry of a gallery: {error}') from None


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f'the name of an entry is a string, got {value!r}')
    return value


def _label(name: str, value: Any) -> Label:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f'a {name} is an integer, a string or None, got {value!r}')
    return int(value)


def _number(label: Label) -> Label:
    return int(label) if isinstance(label, str) and re.fullmatch(r'-?\d+', label) else label


def _info(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f'an info is a dict or None, got {value!r}')
    try:
        return json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(f'an info is what JSON can hold, got {value!r}: {error}') from None
