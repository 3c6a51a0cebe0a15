"""The entries of a collection on a Milvus server."""

from collections.abc import Iterator

from ..entries import Entry
from .connection import Connection
from .rows import BLOCK, ENTRY, KEY, key_of, to_entry


class MilvusEntries:
    """The entries of a collection; each use asks the server.

    Args:
        connection: to the collection.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __len__(self) -> int:
        rows = self._connection.call(
            'query', 'count entries', filter='', output_fields=['count(*)']
        )
        return int(rows[0]['count(*)'])

    def __iter__(self) -> Iterator[Entry]:
        for rows in self._connection.visit([ENTRY], BLOCK):
            yield from map(to_entry, rows)

    def __contains__(self, name: str) -> bool:
        return bool(
            self._connection.call(
                'query', 'look a name up', ids=[key_of(name)], output_fields=[KEY]
            )
        )
