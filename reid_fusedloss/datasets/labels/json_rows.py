"""Read the rows of a JSON file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def load_json(file: Path) -> Any:
    """Read a JSON file whose objects have no duplicate keys.

    Raises:
        ValueError: if it is not valid JSON, with the line; or if an object has a key twice.
    """
    try:
        return json.loads(file.read_bytes(), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ValueError(f'{file} line {error.lineno}: not valid JSON ({error.msg})') from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f'{file}: not valid JSON ({error})') from None
    except ValueError as error:
        raise ValueError(f'{file}: {error}') from None


def json_rows(
    document: Any,
    file: Path,
    key: Any,
    columns: Sequence[str | None] | None,
    path_name: str,
    pid_name: str,
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the rows as values by their names, each with its place for the errors.

    Args:
        document: what the file holds.
        file: its path, for the errors.
        key: the way to the rows: a name, a number, or a list of these; None: the whole document.
        columns: names of the values of rows that are lists.
        path_name, pid_name: names of path and identity, for an object of paths.

    Raises:
        ValueError: if there are no rows at `key`, or a row has another form.
    """
    for part in key if isinstance(key, (list, tuple)) else [] if key is None else [key]:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            raise ValueError(f'{file}: key={key!r} leads nowhere, at {part!r}') from None
    if isinstance(document, Mapping):
        for path, entry in document.items():
            labels = entry if isinstance(entry, Mapping) else {pid_name: entry}
            yield {path_name: path, **labels}, f'{file} entry {path!r}'
        return
    if not isinstance(document, list):
        raise ValueError(f'{file}: the rows must be a list or an object, got {document!r:.60}')
    for number, entry in enumerate(document, start=1):
        place = f'{file} entry {number}'
        if isinstance(entry, list) and columns is not None and len(entry) == len(columns):
            yield {name: value for name, value in zip(columns, entry) if name}, place
        elif isinstance(entry, Mapping):
            yield dict(entry), place
        else:
            raise ValueError(
                f'{place}: a row must be an object, or a list of as many values as `columns` '
                f'names ({columns}), got {entry!r:.60}'
            )


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'duplicate key {twice!r} in one object')
    return found
