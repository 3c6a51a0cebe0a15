"""Rebuild NumPy scalars and arrays from a pickle of NumPy 1 or 2, from checked parts.

NumPy's own functions trust the sizes, offsets and flags in a pickle; false values make them read
memory out of bounds.
"""

import re
from math import prod
from pickle import UnpicklingError
from typing import Any, TypeGuard

import numpy as np

NDARRAY = object()  # stands for `numpy.ndarray` in a pickle
_CODES = re.compile(r'[biufcSU]\d{1,9}|\?')  # numbers and strings: no objects, no records


def dtype(code: Any, align: Any = False, copy: Any = True) -> np.dtype:
    """Make a dtype of numbers or strings."""
    if not isinstance(code, str) or not _CODES.fullmatch(code):
        raise UnpicklingError(f'numpy.dtype({code!r:.60})')
    return np.dtype(code)


def ordered(kind: np.dtype, state: Any) -> np.dtype:
    """Apply the byte order in a dtype's state; a simple dtype has no other state."""
    if not (
        isinstance(state, tuple)
        and len(state) == 8
        and state[0] == 3
        and isinstance(state[1], str)
        and state[1] in tuple('<>|=')
        and state[2:5] == (None, None, None)
    ):
        raise UnpicklingError(f'a numpy.dtype of state {state!r:.60}')
    order: Any = state[1]
    return kind.newbyteorder(order)


def scalar(kind: Any, data: Any) -> Any:
    """Make a number or a string from its bytes."""
    if not isinstance(kind, np.dtype) or not isinstance(data, bytes) or len(data) != kind.itemsize:
        raise UnpicklingError('an invalid numpy scalar')
    return np.frombuffer(data, kind, 1)[0]


def array(cls: Any, shape: Any, code: Any) -> np.ndarray:
    """Make an empty array, which its state fills later."""
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
        and isinstance(kind, np.dtype)
        and isinstance(data, bytes)
        and type(is_fortran) is bool
        and len(data) == prod(shape) * kind.itemsize
    ):
        raise UnpicklingError('a numpy array whose shape and bytes do not agree')
    checked: Any = (1, shape, kind, is_fortran, data)
    made.__setstate__(checked)


def is_array(value: Any) -> TypeGuard[np.ndarray]:
    """Whether a value is an array, as `array` makes it."""
    return type(value) is np.ndarray
