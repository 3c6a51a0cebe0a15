"""NumPy's numbers and arrays in a pickle of NumPy 1 or 2, made from checked parts.

NumPy's own functions for this trust what a pickle says of sizes, offsets and flags; a false one
makes them read memory that is not theirs.
"""

import re
from math import prod
from pickle import UnpicklingError
from typing import Any

import numpy as np

NDARRAY = object()  # what the name `numpy.ndarray` means in a pickle
_CODES = re.compile(r'[biufcSU]\d{1,9}|\?')  # numbers and texts: no objects, no records


def dtype(code: Any, align: Any = False, copy: Any = True) -> np.dtype:
    """Make a type of numbers or of texts."""
    if not isinstance(code, str) or not _CODES.fullmatch(code):
        raise UnpicklingError(f'numpy.dtype({code!r:.60})')
    return np.dtype(code)


def ordered(kind: np.dtype, state: Any) -> np.dtype:
    """Take the order of the bytes from a type's state, which says no more of a simple type."""
    if not (
        isinstance(state, tuple)
        and len(state) == 8
        and state[0] == 3
        and isinstance(state[1], str)
        and state[1] in tuple('<>|=')
        and state[2:5] == (None, None, None)
    ):
        raise UnpicklingError(f'a numpy.dtype of state {state!r:.60}')
    return kind.newbyteorder(state[1])


def scalar(kind: Any, data: Any) -> Any:
    """Make a number or a text from its bytes."""
    if not is_dtype(kind) or not isinstance(data, bytes) or len(data) != kind.itemsize:
        raise UnpicklingError('a numpy scalar that is none')
    return np.frombuffer(data, kind, 1)[0]


def array(cls: Any, shape: Any, code: Any) -> np.ndarray:
    """Make an empty array, to be filled by its state."""
    if cls is not NDARRAY:
        raise UnpicklingError(f'an array of type {cls!r:.60}')
    return np.empty(0)


def fill(made: np.ndarray, state: Any) -> None:
    """Fill an array in place from its state: (version, shape, type, is_fortran, bytes)."""
    if not isinstance(state, tuple) or len(state) != 5:
        raise UnpicklingError('a numpy array without state')
    _, shape, kind, is_fortran, data = state
    sizes = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if not (
        sizes
        and len(shape) <= 32
        and is_dtype(kind)
        and isinstance(data, bytes)
        and type(is_fortran) is bool
        and len(data) == prod(shape) * kind.itemsize
    ):
        raise UnpicklingError('a numpy array whose shape and bytes do not agree')
    made.__setstate__((1, shape, kind, is_fortran, data))


def is_dtype(value: Any) -> bool:
    """Whether it is a type that `dtype` makes."""
    return isinstance(value, np.dtype)


def is_array(value: Any) -> bool:
    """Whether it is an array that `array` makes."""
    return type(value) is np.ndarray
