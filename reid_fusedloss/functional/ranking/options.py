"""Checks of the options of a ranking, shared by its parts."""

from collections.abc import Collection, Mapping
from numbers import Integral
from typing import Any


def check_keys(name: str, options: Any, known: Collection[str]) -> None:
    """Raise an error if options are no mapping (TypeError) or hold an unknown key (ValueError)."""
    if not isinstance(options, Mapping):
        raise TypeError(f'{name} is a dict with keys of {tuple(known)}, got {options!r}')
    unknown = set(options) - set(known)
    if unknown:
        raise ValueError(f'unknown keys {sorted(unknown)} in {name}, known are {tuple(known)}')


def check_integer(name: str, value: Any, least: int) -> None:
    """Raise a ValueError if a value is no integer, or below the least one."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f'{name} must be an integer >= {least}, got {value!r}')


def check_draws(trials: int, seed: int) -> None:
    """Raise a ValueError if the number or the seed of random draws is out of range."""
    check_integer('trials', trials, 1)
    check_integer('seed', seed, 0)
