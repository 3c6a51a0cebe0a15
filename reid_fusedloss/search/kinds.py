"""Kinds of index: exact, inverted lists, a graph. Each has a few options and makes a faiss index.

All use the inner product of unit features; the cosine distance is 1 minus it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

from ..checks import check_choice, check_int
from .faiss_library import empty_index, load_faiss

POINTS_PER_LIST = 39  # with fewer, faiss warns that the means of the lists are unreliable
PQ_CODES = 256  # codes of 8 bits

_K = TypeVar('_K', bound='_Kind')


class _Kind:
    """What all kinds have in common."""

    @property
    def least(self) -> int:
        """Return how many entries the first addition needs."""
        return 1

    def resolve(self: _K, count: int, dims: int) -> _K:
        """Set the options that depend on the number and the width of the first entries."""
        return self

    def build(self, dims: int) -> Any:
        """Make an empty faiss index, not trained yet."""
        raise NotImplementedError

    def search_parameters(self, selector: Any) -> Any:
        """Make faiss parameters for a search; the selector chooses rows, None: all."""
        raise NotImplementedError


@dataclass(frozen=True)
class Flat(_Kind):
    """Exact: each query is compared with every entry."""

    type: ClassVar[str] = 'flat'

    def build(self, dims: int) -> Any:
        return empty_index(dims, 'Flat')

    def search_parameters(self, selector: Any) -> Any:
        return load_faiss().SearchParameters(sel=selector)


@dataclass(frozen=True)
class HNSW(_Kind):
    """A graph of neighbours (Malkov & Yashunin, TPAMI 2020): fast, approximate, slow to build.

    Removing entries builds the graph again.

    Attributes:
        M: links of a node; twice as many on the lowest level.
        ef_construction: candidates to consider when a node is linked.
        ef_search: candidates to consider in a search; more are more accurate and slower.
    """

    type: ClassVar[str] = 'hnsw'
    M: int = 32
    ef_construction: int = 40
    ef_search: int = 64

    def __post_init__(self) -> None:
        check_int('M', self.M, least=2, most=512)
        check_int('ef_construction', self.ef_construction)
        check_int('ef_search', self.ef_search)

    def build(self, dims: int) -> Any:
        index = empty_index(dims, f'HNSW{self.M},Flat')
        index.hnsw.efConstruction = self.ef_construction
        return index

    def search_parameters(self, selector: Any) -> Any:
        return load_faiss().SearchParametersHNSW(sel=selector, efSearch=self.ef_search)


_I = TypeVar('_I', bound='IVF')


@dataclass(frozen=True)
class IVF(_Kind):
    """Inverted lists around the means of a k-means: a search visits the nearest lists.

    The means are trained once, on the entries that are added first; `GalleryIndex.rebuilt` trains
    them again. With nprobe >= nlist the search is exact.

    Attributes:
        nlist: number of lists; None: 4 sqrt(N) for the first N entries, at most N / 39.
        nprobe: lists that a search visits; more are more accurate and slower.
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
        return self.nlist or 1

    def resolve(self: _I, count: int, dims: int) -> _I:
        if self.nlist is not None:
            return self
        nlist = min(round(4 * math.sqrt(count)), count // POINTS_PER_LIST)
        return replace(self, nlist=max(1, nlist))

    def build(self, dims: int) -> Any:
        return self._quiet(empty_index(dims, f'IVF{self.nlist},Flat'))

    def search_parameters(self, selector: Any) -> Any:
        return load_faiss().SearchParametersIVF(sel=selector, nprobe=self.nprobe)

    def _quiet(self, index: Any) -> Any:
        index.cp.min_points_per_centroid = 1  # few points are allowed: suppress the warning
        return index


@dataclass(frozen=True)
class IVFPQ(IVF):
    """Inverted lists of product-quantised entries (Jegou et al., TPAMI 2011), m bytes each.

    For galleries that do not fit into memory: distances, and the features for re-ranking, are
    approximations even with nprobe >= nlist.

    Attributes:
        m: bytes of an entry; must divide the width of the features.
    """

    type: ClassVar[str] = 'ivfpq'
    m: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int('m', self.m)

    @property
    def least(self) -> int:
        return max(PQ_CODES, super().least)

    def resolve(self, count: int, dims: int) -> 'IVFPQ':
        if dims % self.m:
            raise ValueError(f'm={self.m} must be a divisor of the width of the features, {dims}')
        return super().resolve(count, dims)

    def build(self, dims: int) -> Any:
        # np: no polysemous training, which permutes the codes and takes minutes
        index = self._quiet(empty_index(dims, f'IVF{self.nlist},PQ{self.m}np'))
        index.pq.cp.min_points_per_centroid = 1
        return index


@dataclass(frozen=True)
class DiskANN(_Kind):
    """A graph on a solid-state disk (Subramanya et al., NeurIPS 2019); only on a Milvus server.

    Attributes:
        search_list: candidates to consider in a search; more are more accurate and slower.
    """

    type: ClassVar[str] = 'diskann'
    search_list: int = 100

    def __post_init__(self) -> None:
        check_int('search_list', self.search_list)


Kind = Flat | HNSW | IVF | IVFPQ | DiskANN
KindConfig = str | Mapping[str, Any] | Kind
KINDS: dict[str, type[Kind]] = dict(flat=Flat, hnsw=HNSW, ivf=IVF, ivfpq=IVFPQ)  # of faiss
MILVUS_KINDS: dict[str, type[Kind]] = KINDS | dict(diskann=DiskANN)


def make_kind(kind: KindConfig, kinds: Mapping[str, type[Kind]] = KINDS) -> Kind:
    """Make a kind from its name or from dict(type=name, option=...); return a kind unchanged.

    Args:
        kind: what to make.
        kinds: name -> class, of the kinds that the engine has.

    Raises:
        ValueError: if the name or an option is unknown, or a number out of range.
        TypeError: if it has another form.
    """
    if isinstance(kind, Kind):
        check_choice('kind', kind.type, kinds)
        return kind
    if isinstance(kind, str):
        kind = dict(type=kind)
    if not isinstance(kind, Mapping):
        raise TypeError(
            f'kind={kind!r} must be one of {tuple(kinds)}, a dict(type=...) of them, or '
            'one of their classes'
        )
    options = dict(kind)
    name = options.pop('type', None)
    check_choice('kind', name, kinds)
    known = tuple(field.name for field in fields(kinds[name]))
    unknown = sorted(map(str, set(options) - set(known)))
    if unknown:
        raise ValueError(f'a kind {name!r} has no {unknown}; its options are {known}')
    return kinds[name](**options)


def describe_kind(kind: Kind) -> dict[str, Any]:
    """Describe a kind as plain data that `make_kind` accepts."""
    return dict(type=kind.type, **asdict(kind))
