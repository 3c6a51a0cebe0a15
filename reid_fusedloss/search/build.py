"""From a kind to a faiss index that is trained, and what may be asked of one that is built."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from .kinds import Kind, describe_kind, load_faiss, make_kind

BLOCK = 2**14  # rows that are copied at once
OF_A_SEARCH = ('nprobe', 'ef_search')  # numbers that may change after the index is built


def train(kind: Kind, units: np.ndarray) -> tuple[Kind, Any]:
    """An empty faiss index for unit features such as these.

    Args:
        kind: what is built.
        units: unit features that it is trained on, shape (N, C), float32.

    Returns:
        The kind with all its numbers, and the index.

    Raises:
        ValueError: if there are too few features, or a number does not fit their width.
    """
    if len(units) < kind.least:
        raise ValueError(
            f'an index of kind {kind.type} is trained on the entries that are added '
            f'first: at least {kind.least}, got {len(units)}; add more at once, or '
            "take kind='flat' and rebuilt() later"
        )
    kind = kind.resolve(*units.shape)
    vectors = kind.build(units.shape[1])
    vectors.train(units)
    if hasattr(vectors, 'make_direct_map'):
        vectors.make_direct_map()
    return kind, vectors


def subset(vectors: Any, rows: Sequence[int]) -> Any:
    """A copy of a trained faiss index with some of its rows, in this order.

    A graph (hnsw) is built again; ivfpq encodes its approximations once more.
    """
    copy = load_faiss().clone_index(vectors)
    copy.reset()
    for first in range(0, len(rows), BLOCK):
        copy.add(vectors.reconstruct_batch(np.asarray(rows[first : first + BLOCK], np.int64)))
    return copy


def check_built(kind: Kind, vectors: Any) -> None:
    """Refuse a faiss index that is of another kind than it should be.

    Args:
        kind: with all its numbers.
        vectors: as faiss read it.

    Raises:
        ValueError: if its type, its metric or a number of its build differs.
    """
    faiss = load_faiss()
    name = dict(flat='IndexFlat', hnsw='IndexHNSWFlat', ivf='IndexIVFFlat', ivfpq='IndexIVFPQ')
    if not isinstance(vectors, getattr(faiss, name[kind.type])):
        raise ValueError(
            f'a kind {kind.type} is a {name[kind.type]} of faiss, this is a '
            f'{type(vectors).__name__}'
        )
    if vectors.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise ValueError(
            f'its metric is number {vectors.metric_type} of faiss, not the inner product'
        )
    numbers = dict(
        flat=dict,
        hnsw=lambda: dict(M=vectors.hnsw.nb_neighbors(1)),
        ivf=lambda: dict(nlist=vectors.nlist),
        ivfpq=lambda: dict(nlist=vectors.nlist, m=vectors.pq.M),
    )[kind.type]()
    wrong = {key: value for key, value in numbers.items() if getattr(kind, key) != value}
    if wrong:
        raise ValueError(f'it is built with {wrong}, not as {kind}')


def adjusted(built: Kind, asked: str | Mapping | Kind) -> Kind:
    """What is asked of an index; numbers that are left open are those that it is built with.

    Args:
        built: kind of the index.
        asked: see `make_kind`; a name, and a dict for what it does not hold, leave numbers open.

    Raises:
        TypeError, ValueError: as `make_kind`.
    """
    if isinstance(asked, str):
        asked = dict(type=asked)
    if isinstance(asked, Mapping) and asked.get('type') == built.type:
        asked = describe_kind(built) | dict(asked)
    kind = make_kind(asked)
    if kind.type != built.type:
        return kind
    return replace(
        kind,
        **{name: getattr(built, name) for name, value in asdict(kind).items() if value is None},
    )


def is_same_build(kind: Kind, other: Kind) -> bool:
    """Whether two kinds differ at most in numbers that count for a search alone."""
    first, second = (
        {name: value for name, value in describe_kind(part).items() if name not in OF_A_SEARCH}
        for part in (kind, other)
    )
    return first == second
