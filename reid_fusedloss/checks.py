"""Checks of arguments: errors that name the argument, its value and what it may be."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

MOST_NUMBERS = 2**31  # in one tensor, 8 GiB of float32


def check_int(name: str, value: Any, least: int = 1, most: int | None = None) -> None:
    """Refuse what is no integer of a range.

    Args:
        name: of the argument, as the user writes it.
        value: what was given.
        least: smallest that is allowed.
        most: largest that is allowed; None: any.

    Raises:
        TypeError: if the value is no integer; True and False are none.
        ValueError: if it is out of range.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f'{name}={value!r} must be an integer')
    if value < least or most is not None and value > most:
        raise ValueError(
            f'{name}={value} must be >= {least}' + ('' if most is None else f' and <= {most}')
        )


def check_number(name: str, value: Any) -> None:
    """Refuse what is no finite number; its range is the caller's.

    Raises:
        TypeError: if the value is no real number; True and False are none.
        ValueError: if it is not finite.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f'{name}={value!r} must be a number')
    if not math.isfinite(value):
        raise ValueError(f'{name}={value} must be finite')


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Refuse what is none of some names.

    Raises:
        ValueError: it says what they are.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f'{name}={value!r} is none of {tuple(choices)}')


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False: 'False' and 'no' would count as true.

    Raises:
        TypeError: if it is something else.
    """
    if not isinstance(value, bool):
        raise TypeError(f'{name}={value!r} must be True or False')


def check_names(name: str, value: Any, known: tuple[str, str]) -> tuple[str, ...]:
    """One of two names or both, as a tuple.

    Raises:
        ValueError: if there is none, one is unknown, or one stands twice.
    """
    names = (value,) if isinstance(value, str) else value
    if (
        not isinstance(names, (list, tuple))
        or not names
        or not all(isinstance(part, str) and part in known for part in names)
        or len(set(names)) < len(names)
    ):
        raise ValueError(f'{name} is {known[0]!r}, {known[1]!r} or both, got {value!r}')
    return tuple(names)


def check_tensor_size(**sizes: int) -> None:
    """Refuse a tensor that no machine holds before the allocation ends the process.

    Args:
        sizes: its dimensions, by the name of the argument that sets them.

    Raises:
        ValueError: if they make more than 2**31 numbers.
    """
    if math.prod(sizes.values()) > MOST_NUMBERS:
        text = ' x '.join(f'{name}={size}' for name, size in sizes.items())
        raise ValueError(
            f'{text} are {math.prod(sizes.values())} numbers, more than '
            f'{MOST_NUMBERS}: lower one of them'
        )
