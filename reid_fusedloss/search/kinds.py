"""Kinds of index: exact, inverted lists, a graph; each a few numbers, and the faiss index of them.

Inner product of unit features throughout; the cosine distance is 1 minus it.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from types import ModuleType
from typing import Any, ClassVar

import torch

from ..checks import check_choice, check_int
from ..optional import require

POINTS_PER_LIST = 39  # below, faiss holds the means of the lists for badly determined
PQ_CODES = 256  # of 8 bits
# Queries times dimensions from which faiss multiplies matrices. Its own, 128,000 in faiss 1.15,
# makes 100 queries of 512 dimensions 8 to 13 times as slow; in older ones it counts queries, 20.
BLAS_FROM = 4000


@dataclass(frozen=True)
class Flat:
    """Exact: each query is compared with every entry."""

    type: ClassVar[str] = 'flat'
    least: ClassVar[int] = 1

    def resolve(self, count: int, dims: int) -> 'Flat':
        """The same: it has no number that depends on the data."""
        return self

    def build(self, dims: int) -> Any:
        """An empty faiss index."""
        return _build(dims, 'Flat')

    def search_parameters(self, selector: Any) -> Any:
        """Of one search; the selector says which rows count, None: all."""
        return load_faiss().SearchParameters(sel=selector)


@dataclass(frozen=True)
class HNSW:
    """A graph of neighbours (Malkov & Yashunin, TPAMI 2020): fast, not exact, slow to build.

    Removing entries builds the graph again.

    Attributes:
        M: links of a node; those of the lowest level are twice as many.
        ef_construction: candidates that are looked at when a node is linked.
        ef_search: candidates that are looked at in a search; more find more, and take longer.
    """

    type: ClassVar[str] = 'hnsw'
    least: ClassVar[int] = 1
    M: int = 32
    ef_construction: int = 40
    ef_search: int = 64

    def __post_init__(self) -> None:
        check_int('M', self.M, least=2, most=512)
        check_int('ef_construction', self.ef_construction)
        check_int('ef_search', self.ef_search)

    def resolve(self, count: int, dims: int) -> 'HNSW':
        """The same: it has no number that depends on the data."""
        return self

    def build(self, dims: int) -> Any:
        """An empty faiss index."""
        index = _build(dims, f'HNSW{self.M},Flat')
        index.hnsw.efConstruction = self.ef_construction
        return index

    def search_parameters(self, selector: Any) -> Any:
        """Of one search; the selector says which rows count, None: all."""
        return load_faiss().SearchParametersHNSW(sel=selector, efSearch=self.ef_search)


@dataclass(frozen=True)
class IVF:
    """Inverted lists around the means of a k-means: a query looks into the nearest of them.

    The means are found once, on the entries that are added first; `GalleryIndex.rebuilt` finds
    them again. With nprobe >= nlist it is exact.

    Attributes:
        nlist: number of lists; None: 4 sqrt(N) of the first N entries, at most N / 39.
        nprobe: lists that a search looks into; more find more, and take longer.
    """

    type: ClassVar[str] = 'ivf'
    nlist: int | None = None
    nprobe: int = 16

    def __post_init__(self) -> None:
        if self.nlist is not None:
            check_int('nlist', self.nlist)
        check_int('nprobe', self.nprobe)

    @property
    def least(self) -> int:
        """How many entries the first addition needs."""
        return self.nlist or 1

    def resolve(self, count: int, dims: int) -> 'IVF':
        """The number of lists for so many entries, where it was left open."""
        if self.nlist is not None:
            return self
        return replace(
            self, nlist=max(1, min(round(4 * math.sqrt(count)), count // POINTS_PER_LIST))
        )

    def build(self, dims: int) -> Any:
        """An empty faiss index, not yet trained."""
        return self._quiet(_build(dims, f'IVF{self.nlist},Flat'))

    def search_parameters(self, selector: Any) -> Any:
        """Of one search; the selector says which rows count, None: all."""
        return load_faiss().SearchParametersIVF(sel=selector, nprobe=self.nprobe)

    def _quiet(self, index: Any) -> Any:
        index.cp.min_points_per_centroid = 1  # few are allowed: no warning on the terminal
        return index


@dataclass(frozen=True)
class IVFPQ(IVF):
    """Inverted lists of product-quantised entries (Jegou et al., TPAMI 2011): m bytes each.

    For galleries that do not fit into memory: distances, and the features that re-ranking gets,
    are approximations even with nprobe >= nlist.

    Attributes:
        m: bytes of an entry, a divisor of the width of the features.
    """

    type: ClassVar[str] = 'ivfpq'
    m: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int('m', self.m)

    @property
    def least(self) -> int:
        """How many entries the first addition needs."""
        return max(PQ_CODES, super().least)

    def resolve(self, count: int, dims: int) -> 'IVFPQ':
        """The number of lists for so many entries, where it was left open.

        Raises:
            ValueError: if m is no divisor of the width.
        """
        if dims % self.m:
            raise ValueError(f'm={self.m} is no divisor of the width of the features, {dims}')
        return super().resolve(count, dims)

    def build(self, dims: int) -> Any:
        """An empty faiss index, not yet trained."""
        # np: without the permutation of codes for polysemous filters, which takes minutes
        index = self._quiet(_build(dims, f'IVF{self.nlist},PQ{self.m}np'))
        index.pq.cp.min_points_per_centroid = 1
        return index


Kind = Flat | HNSW | IVF | IVFPQ
KINDS: dict[str, type] = {kind.type: kind for kind in (Flat, HNSW, IVF, IVFPQ)}


def make_kind(kind: str | Mapping | Kind) -> Kind:
    """A kind from its name, from dict(type=name, option=...), or itself.

    Raises:
        ValueError: if the name or an option is unknown, or a number out of range.
        TypeError: if it has another form.
    """
    if isinstance(kind, tuple(KINDS.values())):
        return kind
    if isinstance(kind, str):
        kind = dict(type=kind)
    if not isinstance(kind, Mapping):
        raise TypeError(
            f'kind={kind!r} is none of {tuple(KINDS)}, dict(type=...) of them, or '
            'one of their classes'
        )
    options = dict(kind)
    name = options.pop('type', None)
    check_choice('kind', name, KINDS)
    known = tuple(KINDS[name].__dataclass_fields__)
    unknown = sorted(map(str, set(options) - set(known)))
    if unknown:
        raise ValueError(f'a kind {name!r} has no {unknown}; its options are {known}')
    return KINDS[name](**options)


def describe_kind(kind: Kind) -> dict[str, Any]:
    """As plain data, which `make_kind` reads."""
    return dict(type=kind.type, **asdict(kind))


def load_faiss() -> ModuleType:
    """The faiss module, computing with as many threads as PyTorch.

    Raises:
        ImportError: if it is not installed.
    """
    faiss = require('faiss', 'search in a gallery')
    faiss.omp_set_num_threads(torch.get_num_threads())
    faiss.cvar.distance_compute_blas_threshold = min(
        faiss.cvar.distance_compute_blas_threshold, BLAS_FROM
    )
    return faiss


@contextmanager
def faiss_errors(doing: str) -> Iterator[None]:
    """Say what could not be done where faiss, or the memory, fails.

    Args:
        doing: such as 'search in an index of 5 entries'.

    Raises:
        MemoryError: if there is too little memory.
        RuntimeError: if faiss fails in another way.
    """
    try:
        yield
    except MemoryError:
        raise MemoryError(f"too little memory to {doing}: kind='ivfpq' takes the least") from None
    except RuntimeError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise RuntimeError(f'faiss could not {doing}: {lines[-1]}') from error


def _build(dims: int, recipe: str) -> Any:
    faiss = load_faiss()
    return faiss.index_factory(dims, recipe, faiss.METRIC_INNER_PRODUCT)
