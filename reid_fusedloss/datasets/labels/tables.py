"""Read labels from a CSV file, a list or a JSON file."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...logs import log
from ...printable import printable
from ..file_names import ImageFile, compile_pattern
from ..image_files import check_file
from .json_rows import json_rows, load_json
from .rows import KEYS, refuse_duplicates, to_file

Columns = Mapping[str, str] | Sequence[str | None]
Row = tuple[Mapping[str, Any], str]  # values by column, and their place in the file


class Table(NamedTuple):
    """A source: a file, the conditions on its rows and, in a JSON file, the key of the rows."""

    file: Path
    where: Mapping[str, Any]
    key: Any = None


def read_csv(
    root: Path,
    source: str | Mapping[str, Any],
    *,
    columns: Columns | None = None,
    delimiter: str = ',',
    folder: str = '',
    suffix: str = '',
    pattern: str | None = None,
) -> list[ImageFile]:
    """Read images and labels from a CSV file or a list.

    Args:
        root: folder of the data set.
        source: the file, from `root` on, or dict(file=, where=dict(split='train')) for the rows
            that have these values in these columns.
        columns: None: the first line names the columns, and those called `img_path`, `pid`,
            `camid`, `clothes` and `track` are read. A dict: label -> name in the first line. A
            list: names of the columns of a file without such a line, None for one to skip.
        delimiter: between two values; values that contain it are in double quotes.
        folder: where the paths start, from `root` on.
        suffix: to append to the paths ('.jpg').
        pattern: regular expression on the base names for labels that the table lacks; a label that
            is in both must be the same.

    Raises:
        FileNotFoundError: if the file or an image is missing.
        ValueError: with file and line, if a column is missing, a row has another number of values,
            a path occurs twice, or a label is empty or contradicts the name.
        TypeError: if an argument has another type.
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise ValueError(f'delimiter must be one character, got {delimiter!r}')
    table = _table(root, source, columns)
    reader = csv.reader(
        _lines(table.file, delimiter),
        delimiter=delimiter,
        skipinitialspace=delimiter == ' ',
        strict=True,
    )
    if columns is None or isinstance(columns, Mapping):
        header = next(_values(reader, table.file), ([], ''))[0]
        names = [name.strip() for name in header]
    else:
        names = [name or f'column {number}' for number, name in enumerate(columns, start=1)]
    rows = list(_csv_rows(reader, table.file, names))
    labels = _label_columns(columns, names, pattern, f'{table.file} line 1')
    return _to_files(table, rows, names, labels, root / folder, suffix, pattern)


def read_json(
    root: Path,
    source: str | Mapping[str, Any],
    *,
    columns: Columns | None = None,
    folder: str = '',
    suffix: str = '',
    pattern: str | None = None,
) -> list[ImageFile]:
    """Read images and labels from a JSON file.

    Its rows are a list of objects, `[{"img_path": "a.jpg", "pid": 1}]`; a list of lists, whose
    values `columns` names; or an object of paths, `{"a.jpg": 1}` or `{"a.jpg": {"pid": 1}}`.

    Args:
        root: folder of the data set.
        source: the file, from `root` on, or dict(file=, key='train', where=dict(...)): `key` is
            the way to the rows, a name or a number or a list of these.
        columns, folder, suffix, pattern: as in `read_csv`; a list names the values of lists.

    Raises:
        FileNotFoundError, ValueError, TypeError: as `read_csv`, with the number of the entry.
    """
    table = _table(root, source, columns)
    named = None if columns is None or isinstance(columns, Mapping) else list(columns)
    path_name = columns.get('img_path', 'img_path') if isinstance(columns, Mapping) else 'img_path'
    pid_name = columns.get('pid', 'pid') if isinstance(columns, Mapping) else 'pid'
    document = load_json(table.file)
    rows = list(json_rows(document, table.file, table.key, named, path_name, pid_name))
    names = list(dict.fromkeys(name for row, _ in rows for name in row))
    labels = _label_columns(columns, names, pattern, str(table.file))
    return _to_files(table, rows, names, labels, root / folder, suffix, pattern)


def _table(root: Path, source: Any, columns: Any) -> Table:
    if columns is not None and not isinstance(columns, (Mapping, list, tuple)):
        raise TypeError(f'columns must be a dict label -> column or a list, got {columns!r}')
    parts: Any = dict(file=source) if isinstance(source, str) else source
    if (
        not isinstance(parts, Mapping)
        or not isinstance(parts.get('file'), str)
        or set(parts) - {'file', 'where', 'key'}
        or not isinstance(parts.get('where', {}), Mapping)
    ):
        raise TypeError(
            f'a source in a table is a file or dict(file=, where=dict(...)), got {source!r}'
        )
    return Table(check_file(root / parts['file']), parts.get('where', {}), parts.get('key'))


def _lines(file: Path, delimiter: str) -> Iterator[str]:
    try:
        text = file.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{file} is not valid UTF-8 ({error}): save it as UTF-8') from None
    for line in io.StringIO(text):
        yield line.strip() + '\n' if delimiter == ' ' else line


def _values(reader: Any, file: Path) -> Iterator[tuple[list[str], str]]:
    """Yield the rows of a CSV file that are not blank, each with its place."""
    try:
        for values in reader:
            if len(values) > 1 or any(value.strip() for value in values):
                yield values, f'{file} line {reader.line_num}'
    except csv.Error as error:
        raise ValueError(f'{file} line {reader.line_num}: {error}') from None


def _csv_rows(reader: Any, file: Path, names: Sequence[str]) -> Iterator[Row]:
    for values, place in _values(reader, file):
        if len(values) != len(names):
            raise ValueError(
                printable(
                    f'{place}: {len(values)} values {values} in {len(names)} columns {names}; '
                    'check `delimiter`, and put a value that contains it in double quotes'
                )
            )
        yield dict(zip(names, values)), place


def _label_columns(
    columns: Columns | None, names: Sequence[str], pattern: str | None, place: str
) -> dict[str, str]:
    """Map each label to its column."""
    labels = {'img_path': 'img_path', 'pid': 'pid'}
    if pattern is not None and 'pid' in compile_pattern(pattern, needs_pid=False).groupindex:
        del labels['pid']
    if isinstance(columns, Mapping):
        unknown = [key for key in columns if key not in KEYS]
        if unknown:
            raise ValueError(f'columns: the labels must be of {KEYS}, got {unknown}')
        labels.update(columns)
    else:
        labels.update({key: key for key in KEYS if key in names})
    missing = [name for name in labels.values() if name not in names]
    if missing:
        raise ValueError(
            printable(
                f'{place}: no column {missing}; it has {list(names)}: name them in the file, '
                'or set `columns`'
            )
        )
    return labels


def _to_files(
    table: Table,
    rows: Sequence[Row],
    names: Sequence[str],
    labels: Mapping[str, str],
    folder: Path,
    suffix: str,
    pattern: str | None,
) -> list[ImageFile]:
    regex = None if pattern is None else compile_pattern(pattern, needs_pid=False)
    kept = list(_chosen(rows, table, names))
    unread = [name for name in names if name not in {*labels.values(), *table.where}]
    if unread:
        log(printable(f'{table.file}: columns that are not read: {unread}'))
    files = []
    for row, place in kept:
        record = {key: row.get(name) for key, name in labels.items()}
        files.append((to_file(record, folder, place, suffix, regex), place))
    return refuse_duplicates(files)


def _chosen(rows: Sequence[Row], table: Table, names: Sequence[str]) -> Iterator[Row]:
    missing = [name for name in table.where if name not in names]
    if missing:
        raise ValueError(f'{table.file}: where asks for {missing}, the columns are {list(names)}')
    found = False
    for row, place in rows:
        if all(str(row.get(name)).strip() == str(value) for name, value in table.where.items()):
            found = True
            yield row, place
    if not found:
        wanted = f' with {dict(table.where)}' if table.where else ''
        raise ValueError(f'{table.file}: no row{wanted}')
