"""Train a faiss index of a given kind, and check or adjust the kind of an existing one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from .faiss_library import load_faiss
from .kinds import KINDS, Kind, KindConfig, describe_kind, make_kind

BLOCK = 2**14  # rows to copy at once
# options that may change after the index is built
SEARCH_OPTIONS = ('nprobe', 'ef_search', 'search_list')
INDEX_CLASSES = dict(flat='IndexFlat', hnsw='IndexHNSWFlat', ivf='IndexIVFFlat', ivfpq='IndexIVFPQ')


def train(kind: Kind, units: np.ndarray) -> tuple[Kind, Any]:
    """Make an empty faiss index and train it on unit features.

    Args:
        kind: kind of the index.
        units: unit features to train on, shape (N, C), float32.

    Returns:
        The kind with all its options set, and the index.

    Raises:
        ValueError: if there are too few features, or an option does not fit their width.
    """
    if len(units) < kind.least:
        raise ValueError(
            f'an index of kind {kind.type} is trained on the entries that are added '
            f'first: at least {kind.least}, got {len(units)}; add more at once, or '
            "use kind='flat' and rebuilt() later"
        )
    kind = kind.resolve(*units.shape)
    vectors = kind.build(units.shape[1])
    vectors.train(units)
    if hasattr(vectors, 'make_direct_map'):
        vectors.make_direct_map()
    return kind, vectors


def subset(vectors: Any, rows: Sequence[int]) -> Any:
    """Copy a trained faiss index with some of its rows, in the given order.

    A graph (hnsw) is built again; ivfpq encodes its approximations again.
    """
    copy = load_faiss().clone_index(vectors)
    copy.reset()
    for first in range(0, len(rows), BLOCK):
        copy.add(vectors.reconstruct_batch(np.asarray(rows[first : first + BLOCK], np.int64)))
    return copy


def check_built(kind: Kind, vectors: Any) -> None:
    """Check that a faiss index has the given kind.

    Args:
        kind: kind with all its options set.
        vectors: the index as faiss read it.

    Raises:
        ValueError: if its class, its metric or an option of its build differs.
    """
    faiss, name = load_faiss(), INDEX_CLASSES[kind.type]
    if not isinstance(vectors, getattr(faiss, name)):
        raise ValueError(
            f'a kind {kind.type} is a {name} of faiss, this is a {type(vectors).__name__}'
        )
    if vectors.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise ValueError(
            f'its metric is number {vectors.metric_type} of faiss, not the inner product'
        )
    options: dict[str, int] = {}
    if kind.type == 'hnsw':
        options['M'] = vectors.hnsw.nb_neighbors(1)
    if kind.type in ('ivf', 'ivfpq'):
        options['nlist'] = vectors.nlist
    if kind.type == 'ivfpq':
        options['m'] = vectors.pq.M
    wrong = {key: value for key, value in options.items() if getattr(kind, key) != value}
    if wrong:
        raise ValueError(f'it is built with {wrong}, not as {kind}')


def adjusted(built: Kind, wanted: KindConfig, kinds: Mapping[str, type[Kind]] = KINDS) -> Kind:
    """Return the wanted kind, with the options of an existing index where none are given.

    Args:
        built: kind of the index.
        wanted: see `make_kind`.
        kinds: as there.

    Raises:
        TypeError, ValueError: as `make_kind`.
    """
    if isinstance(wanted, str):
        wanted = dict(type=wanted)
    if isinstance(wanted, Mapping) and wanted.get('type') == built.type:
        wanted = describe_kind(built) | dict(wanted)
    kind = make_kind(wanted, kinds)
    if kind.type != built.type:
        return kind
    return replace(
        kind,
        **{name: getattr(built, name) for name, value in asdict(kind).items() if value is None},
    )


def is_same_build(kind: Kind, other: Kind) -> bool:
    """Whether two kinds differ only in options of the search."""
    first, second = (
        {name: value for name, value in describe_kind(part).items() if name not in SEARCH_OPTIONS}
        for part in (kind, other)
    )
    return first == second
