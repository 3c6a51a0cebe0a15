"""Argument checks, whose errors name the argument, its value and what is allowed."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

MOST_NUMBERS = 2**31  # in one tensor, 8 GiB of float32


def check_int(name: str, value: Any, least: int = 1, most: int | None = None) -> None:
    """Check that a value is an integer within a range.

    Args:
        name: name of the argument, as the user writes it.
        value: what was given.
        least: smallest allowed value.
        most: largest allowed value; None: no limit.

    Raises:
        TypeError: if the value is not an integer; a bool does not count as one.
        ValueError: if it is out of range.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f'{name}={value!r} must be an integer')
    if int(value) < least or most is not None and int(value) > most:
        raise ValueError(
            f'{name}={value} must be >= {least}' + ('' if most is None else f' and <= {most}')
        )


def check_number(name: str, value: Any) -> None:
    """Check that a value is a finite number; the caller checks its range.

    Raises:
        TypeError: if the value is not a real number; a bool does not count as one.
        ValueError: if it is not finite.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f'{name}={value!r} must be a number')
    if not math.isfinite(value):
        raise ValueError(f'{name}={value} must be finite')


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Check that a value is one of several names.

    Raises:
        ValueError: if it is not; the error lists the names.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f'{name} must be {_any_of(choices)}, got {value!r}')


def check_flag(name: str, value: Any) -> None:
    """Check that a value is True or False; the strings 'False' and 'no' would count as true.

    Raises:
        TypeError: if it is not.
    """
    if not isinstance(value, bool):
        raise TypeError(f'{name}={value!r} must be True or False')


def check_names(name: str, value: Any, known: tuple[str, str]) -> tuple[str, ...]:
    """Return one or both of two known names as a tuple.

    Raises:
        ValueError: if no name is given, one is unknown, or one is given twice.
    """
    names = (value,) if isinstance(value, str) else value
    if (
        not isinstance(names, (list, tuple))
        or not names
        or not all(isinstance(part, str) and part in known for part in names)
        or len(set(names)) < len(names)
    ):
        raise ValueError(f'{name} must be {known[0]!r}, {known[1]!r} or both, got {value!r}')
    return tuple(names)


def check_tensor_size(**sizes: int) -> None:
    """Refuse a tensor too large for memory, before its allocation kills the process.

    Args:
        sizes: dimensions of the tensor, by the name of the argument that sets each.

    Raises:
        ValueError: if the tensor has more than 2**31 elements.
    """
    if math.prod(sizes.values()) > MOST_NUMBERS:
        text = ' x '.join(f'{name}={size}' for name, size in sizes.items())
        raise ValueError(
            f'{text} are {math.prod(sizes.values())} numbers, more than '
            f'{MOST_NUMBERS}: lower one of them'
        )


def _any_of(choices: Iterable[str]) -> str:
    names = list(map(repr, choices))
    return ' or '.join(names) if len(names) < 3 else f'one of {", ".join(names)}'
