"""Convert weights that other projects publish to the parameter names of our models.

`layouts` detects the source of a state dict; the file of each source renames it. They are written
from the names, shapes and documented behaviour of the original.
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
