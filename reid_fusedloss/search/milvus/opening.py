"""Open a gallery on a Milvus server, or make one there."""

from pathlib import Path

from ...checks import check_choice, check_int
from ...whole_file import PathLike
from ..kinds import MILVUS_KINDS, KindConfig, make_kind
from .address import parse_address
from .connection import LONG, Connection
from .facts import Facts
from .index import MilvusIndex
from .kinds import index_parameters
from .rows import make_schema

CONSISTENCY = ('Strong', 'Session', 'Bounded', 'Eventually')
TIMEOUT = 60.0


def open_milvus(
    place: PathLike,
    dims: int | None = None,
    kind: KindConfig = 'flat',
    model: str | None = None,
    *,
    consistency: str = 'Strong',
    shards: int = 1,
    timeout: float = TIMEOUT,
) -> MilvusIndex:
    """Open a gallery on a Milvus server; if it does not exist and `dims` is given, make it.

    Args:
        place: address, see `parse_address`.
        dims: width of the features; None: the gallery must exist.
        kind: 'flat' (exact), 'ivf', 'hnsw', 'ivfpq', 'diskann', or dict(type=name, option=...), of
            a new gallery, see `search.kinds`.
        model: id of the model that made the features, or None; see `Gallery`.
        consistency: of a new gallery. 'Strong': each search sees all that was written before it,
            by anyone; 'Session': all that this process wrote; the others are faster and see it
            later.
        shards: of a new gallery: parts that are written in parallel.
        timeout: seconds after which a call fails.

    Raises:
        ConnectionError: if the server does not answer.
        FileNotFoundError: if there is no such gallery, and `dims` is None.
        TypeError, ValueError: if an argument is wrong, or the gallery has another width or model.
        ImportError: if pymilvus is not installed.
    """
    address = parse_address(place)
    check_choice('consistency', consistency, CONSISTENCY)
    check_int('shards', shards)
    if dims is not None:
        check_int('dims', dims)
    facts = Facts(model, make_kind(kind, MILVUS_KINDS))
    missing = FileNotFoundError(f'no gallery at {address}: check the address, or build one')
    if dims is None and address.is_lite and not Path(address.uri).exists():
        raise missing
    connection = Connection(address, timeout)
    if not connection.call('has_collection', 'look the collection up'):
        if dims is None:
            raise missing
        _create(connection, dims, facts, consistency, shards)
    connection.call('load_collection', 'load the collection', timeout=LONG)
    index = MilvusIndex(connection)
    index.check_model(model)
    if dims is not None and dims != index.dims:
        raise ValueError(
            f'the gallery {address} holds features of width {index.dims}, not {dims}: are they of '
            'another model?'
        )
    return index


def _create(connection: Connection, dims: int, facts: Facts, consistency: str, shards: int) -> None:
    try:
        connection.write(
            'create_collection',
            'make a collection',
            schema=make_schema(connection.pymilvus, dims),
            index_params=index_parameters(connection.pymilvus, facts.kind),
            consistency_level=consistency,
            num_shards=shards,
            properties=facts.as_properties(),
        )
    except RuntimeError:  # another process may have made it meanwhile
        if not connection.call('has_collection', 'look the collection up'):
            raise
