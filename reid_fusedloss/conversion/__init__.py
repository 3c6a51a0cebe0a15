"""Weights that other projects publish, under the names that our models have.

A file for each source: whether a state dict is of its layout (`matches`), and the same weights
under our names (`convert`). Written from the names, shapes and documented behaviour of theirs.
"""

from .converted import Converted
from .fit import Fit, compare
from .layouts import LAYOUTS, convert, detect
from .state_dict import is_mmengines, read_state_dict

__all__ = [
    'LAYOUTS',
    'Converted',
    'Fit',
    'compare',
    'convert',
    'detect',
    'is_mmengines',
    'read_state_dict',
]
