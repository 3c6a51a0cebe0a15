"""Search in a gallery: find who is in an image. Needs faiss."""

from .entries import Entry
from .folder import load_index, save_index
from .gallery_index import GalleryIndex
from .kinds import HNSW, IVF, IVFPQ, Flat
from .open_set import OpenSetThreshold, check_validation, choose_threshold
from .rerank import Rerank
from .result import Hit, SearchResult
from .storage import hold_index

__all__ = [
    'Entry',
    'Flat',
    'GalleryIndex',
    'HNSW',
    'Hit',
    'IVF',
    'IVFPQ',
    'OpenSetThreshold',
    'Rerank',
    'SearchResult',
    'check_validation',
    'choose_threshold',
    'hold_index',
    'load_index',
    'save_index',
]
