"""Measure time and memory of a function, and of the package's functions inside it."""

import ctypes
import functools
import gc
import inspect
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

PACKAGE = 'reid_fusedloss.functional'
PRODUCT = 'backend.inner_products'
UNTIMED = set(
    'backend block_ranking distance features matching ranking ranking_result rerank '
    'query_expansion.alpha_query_expansion'.split()
)
DEPTH = 2


@dataclass
class Part:
    """A function's share of a stage: call depth, name, seconds, seconds in matrix products."""

    depth: int
    name: str
    seconds: float
    product: float


class Spans:
    """Measures the seconds inside the functions of `reid_fusedloss.functional` by wrapping them.

    `installed` finds the functions, so new names need no change here; entry points and helpers
    (`UNTIMED`) are not wrapped. Only calls in the main thread count.

    Attributes:
        seconds: by call path, outermost first: ('encoding.encode', 'encoding._expanded_sets').
    """

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, ...], float] = defaultdict(float)
        self._open: list[str] = []

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Wrap all functions, and restore them at the end."""
        inside = f'{PACKAGE}.'
        modules = [part for name, part in sys.modules.items() if f'{name}.'.startswith(inside)]
        wrapped: dict[FunctionType, Callable] = {}
        replaced = []
        for module in modules:
            for name, value in list(vars(module).items()):
                if inspect.isfunction(value) and _is_timed(value):
                    if value not in wrapped:
                        wrapped[value] = self._wrap(value)
                    replaced.append((module, name, value))
                    setattr(module, name, wrapped[value])
        try:
            yield
        finally:
            for module, name, value in replaced:
                setattr(module, name, value)

    def share_of_product(self, total: float) -> float | None:
        """Share of `total` seconds spent in matrix products; None if there were none."""
        inside = [seconds for path, seconds in self.seconds.items() if path[-1] == PRODUCT]
        return sum(inside) / total if inside else None

    def stages(self, total: float, least: float = 0.01) -> list['Part']:
        """List the functions that take at least the share `least` of `total`, and the rests."""
        parts: dict[tuple[str, ...], Part] = {(): Part(-1, '', total, 0.0)}
        for path, seconds in self.seconds.items():
            functions = tuple(name for name in path if name != PRODUCT)
            name = ''.join(functions[-1:]).split('.')[-1].lstrip('_')
            part = parts.setdefault(functions, Part(len(functions) - 1, name, 0.0, 0.0))
            if path[-1] == PRODUCT:
                part.product += seconds
            else:
                part.seconds += seconds
        for path in sorted(parts, key=len, reverse=True)[:-1]:
            parts[path[:-1]].product += parts[path].product
        return _with_rests(
            {
                path: part
                for path, part in parts.items()
                if len(path) <= DEPTH and part.seconds >= least * total
            },
            least * total,
        )

    def _wrap(self, function: FunctionType) -> Callable:
        name = _name(function)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return function(*args, **kwargs)
            with self._span(name):
                return function(*args, **kwargs)

        return timed

    @contextmanager
    def _span(self, name: str) -> Iterator[None]:
        self._open.append(name)
        path, start = tuple(self._open), time.perf_counter()
        self.seconds[path] += 0
        try:
            yield
        finally:
            self.seconds[path] += time.perf_counter() - start
            self._open.pop()


def _name(function: FunctionType) -> str:
    return f'{function.__module__.rsplit(".", 1)[-1]}.{function.__name__}'


def _is_timed(function: FunctionType) -> bool:
    """Whether a function is the package's and not in `UNTIMED`, or is the matrix product."""
    name, own = _name(function), function.__module__.startswith(f'{PACKAGE}.')
    if not own or inspect.isgeneratorfunction(function):
        return False
    return name == PRODUCT or not {name, name.split('.')[0]} & UNTIMED


def _with_rests(parts: dict[tuple[str, ...], Part], least: float) -> list[Part]:
    """Sort the parts by call order, each followed by what its own parts leave of its time."""
    ordered: list[Part] = []

    def visit(path: tuple[str, ...]) -> None:
        own = parts[path]
        if path:
            ordered.append(own)
        below = [other for other in parts if len(other) == len(path) + 1 and other[:-1] == path]
        for other in below:
            visit(other)
        rest = Part(
            own.depth + 1,
            f'rest of {own.name}'.removesuffix(' of '),
            own.seconds - sum(parts[other].seconds for other in below),
            own.product - sum(parts[other].product for other in below),
        )
        if below and rest.seconds >= least:
            ordered.append(rest)

    visit(())
    return ordered


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def timed_with_memory(work: Callable[[], Any]) -> tuple[Any, float, int | None]:
    """Run and return result, seconds, and the peak of resident memory above the start, in bytes.

    The peak is Linux's VmHWM: unlike getrusage's ru_maxrss it can be reset, so it excludes the
    creation of the inputs and the parent process. None where the system does not have it.
    """
    try:
        before = resident_memory()
        Path('/proc/self/clear_refs').write_text('5')
    except (AttributeError, OSError, TypeError):
        return (*timed(work), None)
    result, seconds = timed(work)
    return result, seconds, max(0, _status('VmHWM') - before)


def resident_memory() -> int:
    """Bytes that the process holds after it has released its free memory.

    Raises:
        AttributeError, OSError, TypeError: if the system is not Linux with glibc.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return _status('VmRSS')


def _status(key: str) -> int:
    return _kilobytes(Path('/proc/self/status').read_text().splitlines(), key)


def _kilobytes(lines: list[str], key: str) -> int:
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f'{key}:'))
