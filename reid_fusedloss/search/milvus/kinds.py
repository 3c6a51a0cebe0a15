"""Kinds of index as Milvus names them. All use the inner product of unit features."""

from typing import Any

from ..kinds import HNSW, IVF, IVFPQ, DiskANN, Kind
from .rows import VECTOR

METRIC = 'IP'
LISTS = 1024  # of inverted lists, which Milvus makes for each segment of up to about 1 GB


def index_parameters(pymilvus: Any, kind: Kind) -> Any:
    """Make pymilvus's parameters to build an index of the vectors."""
    name, options = _build(kind)
    parameters = pymilvus.MilvusClient.prepare_index_params()
    parameters.add_index(
        field_name=VECTOR, index_name=VECTOR, index_type=name, metric_type=METRIC, params=options
    )
    return parameters


def search_parameters(kind: Kind, limit: int) -> dict[str, Any]:
    """Return the parameters of a search for `limit` entries, where a graph considers no fewer."""
    options: dict[str, int] = {}
    if isinstance(kind, HNSW):
        options = dict(ef=max(kind.ef_search, limit))
    if isinstance(kind, IVF):
        options = dict(nprobe=kind.nprobe)
    if isinstance(kind, DiskANN):
        options = dict(search_list=max(kind.search_list, limit))
    return dict(metric_type=METRIC, params=options)


def _build(kind: Kind) -> tuple[str, dict[str, int]]:
    if isinstance(kind, HNSW):
        return 'HNSW', dict(M=kind.M, efConstruction=kind.ef_construction)
    if isinstance(kind, IVFPQ):
        return 'IVF_PQ', dict(nlist=kind.nlist or LISTS, m=kind.m, nbits=8)
    if isinstance(kind, IVF):
        return 'IVF_FLAT', dict(nlist=kind.nlist or LISTS)
    if isinstance(kind, DiskANN):
        return 'DISKANN', {}
    return 'FLAT', {}
