"""What the properties of a collection say: model, kind, pattern, threshold."""

import json
from dataclasses import dataclass, replace
from typing import Any

from ..kinds import MILVUS_KINDS, Flat, Kind, describe_kind, make_kind
from ..open_set import OpenSetThreshold
from .connection import Connection
from .rows import VECTOR

PROPERTY = 'reid_fusedloss.gallery'
VERSION = 1


@dataclass(frozen=True)
class Facts:
    """Facts of a gallery.

    Attributes:
        model: id of its model, or None.
        kind: kind of its index.
        pattern: of its file names, or None.
        threshold: of its searches, or None.
    """

    model: str | None = None
    kind: Kind = Flat()
    pattern: str | None = None
    threshold: OpenSetThreshold | None = None

    def as_properties(self) -> dict[str, str]:
        """Convert to properties of a collection."""
        threshold = None if self.threshold is None else self.threshold.as_dict()
        facts = dict(
            version=VERSION,
            model=self.model,
            kind=describe_kind(self.kind),
            pattern=self.pattern,
            threshold=threshold,
        )
        return {PROPERTY: json.dumps(facts)}


def read_facts(connection: Connection) -> tuple[Facts, int]:
    """Read the facts of a collection, and the width of its features.

    Raises:
        ValueError: if it is not a collection of this package.
    """
    found = connection.call('describe_collection', 'describe the collection')
    widths = [part['params'].get('dim') for part in found['fields'] if part['name'] == VECTOR]
    text = (found.get('properties') or {}).get(PROPERTY)
    if text is None or len(widths) != 1:
        raise ValueError(
            f'{connection.address} holds a collection {connection.address.collection!r} that this '
            'package did not make: give another name, SERVER#NAME'
        )
    try:
        return _from_json(json.loads(text)), int(widths[0])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'the properties of the collection {connection.address} cannot be read ({error}): '
            'was it written by a newer version of this package?'
        ) from None


def change_facts(connection: Connection, **changes: Any) -> None:
    """Change some of the facts of a collection; of several processes the last one wins."""
    facts, _ = read_facts(connection)
    new = replace(facts, **changes)
    if new != facts:
        connection.write(
            'alter_collection_properties', 'keep its settings', properties=new.as_properties()
        )


def _from_json(facts: dict[str, Any]) -> Facts:
    if facts['version'] != VERSION:
        raise ValueError(f'version {facts["version"]!r}, this package reads version {VERSION}')
    threshold = None if facts['threshold'] is None else OpenSetThreshold(**facts['threshold'])
    kind = make_kind(facts['kind'], MILVUS_KINDS)
    return Facts(facts['model'], kind, facts['pattern'], threshold)
