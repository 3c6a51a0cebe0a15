"""A gallery on a Milvus server, for more entries than one machine holds. Needs pymilvus."""

from .address import MilvusAddress, is_milvus, parse_address
from .index import MilvusIndex
from .opening import open_milvus

__all__ = ['MilvusAddress', 'MilvusIndex', 'is_milvus', 'open_milvus', 'parse_address']
