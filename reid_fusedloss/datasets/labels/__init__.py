"""Read the labels of images from names, folders, tables, or by a user's function."""

from .choice import choose_labels, choose_sources, training_paths
from .names import read_folders, read_names, read_paths
from .reader import LABELS, Labels, Reader, find_reader
from .tables import read_csv, read_json

__all__ = [
    'LABELS',
    'Labels',
    'Reader',
    'choose_labels',
    'choose_sources',
    'find_reader',
    'read_csv',
    'read_folders',
    'read_json',
    'read_names',
    'read_paths',
    'training_paths',
]
