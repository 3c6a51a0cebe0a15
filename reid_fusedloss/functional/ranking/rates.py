"""Exact decimal rates: 1e-2 of 100 is 1, despite floating-point rounding."""

from collections.abc import Collection, Sequence
from fractions import Fraction
from numbers import Real

import numpy as np


def check_rates(rates: Sequence[float], name: str, what: str) -> None:
    """Raise an error if rates are not different numbers in (0, 1].

    Args:
        rates: to check.
        name: of the argument, such as 'fprs'.
        what: they are, in the plural, such as 'false positive rates'.

    Raises:
        TypeError: if they are not a sequence.
        ValueError: if there is none, one is not in (0, 1], or one occurs twice.
    """
    if not isinstance(rates, Collection):
        raise TypeError(f'{name} is a sequence of {what}, got {rates!r}')
    if not len(rates):
        raise ValueError(f'{name} is empty: name at least one of the {what}, such as 1e-2')
    for rate in rates:
        if not isinstance(rate, Real) or isinstance(rate, bool) or not 0 < rate <= 1:
            raise ValueError(f'{what} are numbers above 0, at most 1, got {rate!r}')
    if len(set(map(decimal, rates))) < len(rates):
        raise ValueError(f'{name} has one of the {what} twice: {tuple(rates)}')


def decimal(rate: float) -> str:
    """Return the shortest text that is read back as this rate, such as '1e-04'."""
    return np.format_float_scientific(rate, trim='-')


def share_of(rate: float, total: int) -> int:
    """Return floor(rate * total), with the rate as the decimal number it is written as."""
    return int(Fraction(decimal(rate)) * total)
