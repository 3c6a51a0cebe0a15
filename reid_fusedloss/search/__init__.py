"""Search in a gallery: find who is in an image. Needs faiss, or a Milvus server."""

from .entries import Entry
from .folder import load_index, save_index
from .gallery import Gallery
from .gallery_index import GalleryIndex
from .kinds import HNSW, IVF, IVFPQ, DiskANN, Flat
from .milvus import MilvusIndex, is_milvus, open_milvus
from .open_set import OpenSetThreshold, check_validation, choose_threshold
from .rerank import Rerank
from .result import Hit, SearchResult
from .storage import hold_index

__all__ = [
    'DiskANN',
    'Entry',
    'Flat',
    'Gallery',
    'GalleryIndex',
    'HNSW',
    'Hit',
    'IVF',
    'IVFPQ',
    'MilvusIndex',
    'OpenSetThreshold',
    'Rerank',
    'SearchResult',
    'check_validation',
    'choose_threshold',
    'hold_index',
    'is_milvus',
    'load_index',
    'open_milvus',
    'save_index',
]
