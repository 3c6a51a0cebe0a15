"""Entries of a gallery as rows of a Milvus collection.

A row has the fields key (a hash of the name, the primary key, so that a name exists once and any
name has a key of fixed length), vector, pid and camid (as texts to filter by), and entry (all of
the entry, as a line of JSON).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import quote

import numpy as np

from ..entries import Entry, Label, from_lines, to_line

KEY, VECTOR, PID, CAMID, ENTRY = 'key', 'vector', 'pid', 'camid', 'entry'
KEY_BYTES = 16  # two of 1e8 names have the same hash with a probability of about 1e-23
LONGEST_ENTRY = 65535  # bytes of a string on Milvus
LONGEST_LABEL = 1024
BLOCK = 1000  # keys in a request
BLOCK_BYTES = 2**24  # of vectors in a request; Milvus accepts 64 MB

_T = TypeVar('_T')


def key_of(name: str) -> str:
    """Return the primary key of a name, which may hold bytes that are not valid UTF-8."""
    return hashlib.blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=KEY_BYTES).hexdigest()


def label_text(label: Label) -> str:
    """Return a text that tells a number from a string, without characters that filters quote."""
    if label is None:
        return 'n'
    if isinstance(label, int):
        return f'i{label}'
    return 's' + quote(label, safe='', errors='surrogatepass')


def to_row(entry: Entry, unit: np.ndarray) -> dict[str, Any]:
    """Make a row.

    Args:
        entry: the entry.
        unit: its feature of unit length, shape (C,), float32.

    Raises:
        ValueError: if the entry or a label is too long for Milvus.
    """
    row = {
        KEY: key_of(entry.name),
        VECTOR: unit,
        PID: label_text(entry.pid),
        CAMID: label_text(entry.camid),
        ENTRY: to_line(entry),
    }
    for name, most in ((PID, LONGEST_LABEL), (CAMID, LONGEST_LABEL), (ENTRY, LONGEST_ENTRY)):
        if len(row[name]) > most:
            raise ValueError(
                f'the {name} of {entry.name[:80]!r} has {len(row[name])} bytes, more than the '
                f'{most} that Milvus holds: shorten its labels or info'
            )
    return row


def to_entry(row: dict[str, Any]) -> Entry:
    """Return the entry of a row.

    Raises:
        ValueError: if it is not one.
    """
    (entry,) = from_lines([row[ENTRY]])
    return entry


def blocks(items: Iterable[_T], size: int = BLOCK) -> Iterator[list[_T]]:
    """Yield items in lists of at most `size`."""
    rest = iter(items)
    while block := list(islice(rest, size)):
        yield block


def rows_at_once(dims: int) -> int:
    """Return how many vectors of a width go into one request."""
    return max(1, min(10 * BLOCK, BLOCK_BYTES // (4 * dims)))


def make_schema(pymilvus: Any, dims: int) -> Any:
    """Make the schema of a collection for features of a width."""
    schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    text = pymilvus.DataType.VARCHAR
    schema.add_field(KEY, text, is_primary=True, max_length=2 * KEY_BYTES)
    schema.add_field(VECTOR, pymilvus.DataType.FLOAT_VECTOR, dim=dims)
    schema.add_field(PID, text, max_length=LONGEST_LABEL)
    schema.add_field(CAMID, text, max_length=LONGEST_LABEL)
    schema.add_field(ENTRY, text, max_length=LONGEST_ENTRY)
    return schema


def keys_of(names: Sequence[str]) -> list[str]:
    """Return the primary keys of names."""
    return [key_of(name) for name in names]
