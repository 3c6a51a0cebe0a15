"""Interleaved timing, so that a busy machine slows all compared functions alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from measure import timed_with_memory

from reid_fusedloss.printable import markdown_table

CPU = torch.device('cpu')
HEAD = ('', 'min', 'median', 'ratio', 'median ratio')

Work = Callable[[], Any]
CLOCKS = dict(wall=time.perf_counter, cpu=time.process_time)


class Elapsed(float):
    """Seconds of a run in another process: a function returns them, and they count as its own."""


@dataclass
class Timing:
    """Seconds of each round of a function, and what it is compared with.

    Attributes:
        title: for the table.
        reference: name of the function that it is compared with; None: nothing.
        images: number of images (or samples) of one run; 0: unknown.
        seconds: of each round.
        extra_bytes: peak of memory above the inputs; None: not measured.
        problem: the reason if there are no seconds.
    """

    title: str
    reference: str | None = None
    images: int = 0
    seconds: list[float] = field(default_factory=list)
    extra_bytes: int | None = None
    problem: str = ''

    def ratio(self, timings: Mapping[str, 'Timing']) -> tuple[float, float] | None:
        """Ratio of the fastest rounds to the reference's, and the median of the rounds' ratios."""
        other = timings.get(self.reference or '')
        if other is None or not (self.seconds and other.seconds):
            return None
        each = [own / its for own, its in zip(self.seconds, other.seconds)]
        return min(self.seconds) / min(other.seconds), median(each)

    def as_dict(self, timings: Mapping[str, 'Timing']) -> dict[str, Any]:
        """Convert for the JSON file."""
        ratio = self.ratio(timings)
        return dict(
            vars(self),
            min=min(self.seconds, default=None),
            median=median(self.seconds) if self.seconds else None,
            ratio=ratio and ratio[0],
            ratio_median=ratio and ratio[1],
        )


def wait(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def peak_of(work: Work, device: torch.device) -> int | None:
    """Run and return the peak of memory above the start, in bytes; None if unknown."""
    if device.type != 'cuda':
        return timed_with_memory(work)[2]
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    return torch.cuda.max_memory_allocated(device) - before


def run_rounds(
    works: Mapping[str, Work],
    timings: Mapping[str, Timing],
    rounds: int,
    device: torch.device = CPU,
    clock: str = 'wall',
) -> None:
    """Fill the timings, one run of each function per round; warm them up before the call.

    Every other round goes backwards, so that no function always follows the largest one.
    """
    now = CLOCKS[clock]
    order: Sequence[str] = list(works)
    for _ in range(rounds):
        for name in order:
            wait(device)
            start = now()
            result = works[name]()
            wait(device)
            seconds = result if isinstance(result, Elapsed) else now() - start
            timings[name].seconds.append(seconds)
        order = order[::-1]


def cells(timing: Timing, timings: Mapping[str, Timing], unit: float = 1e3) -> tuple[str, ...]:
    """Make the cells of a table: fastest round, median, and the two ratios of `Timing.ratio`."""
    if not timing.seconds:
        return '-', '-', '-', '-'
    ratio = timing.ratio(timings)
    ratios = ('-', '-') if ratio is None else tuple(map(_figures, ratio))
    seconds = timing.seconds
    return _figures(unit * min(seconds)), _figures(unit * median(seconds)), *ratios


def images_table(timings: Mapping[str, Timing], unit: float) -> str:
    """Write all timings with their images per second."""
    lines = [
        (timing.title, *cells(timing, timings, unit), f'{timing.images / min(timing.seconds):,.0f}')
        for timing in timings.values()
    ]
    return markdown_table([(*HEAD, 'images/s'), *lines])


def memory_table(timings: Mapping[str, Timing]) -> str:
    """Write all timings with their extra memory, or why they were skipped."""
    lines = [
        (timing.title, *cells(timing, timings), _memory(timing)) for timing in timings.values()
    ]
    return markdown_table([(*HEAD, 'extra memory'), *lines])


def spans_table(rounds: Sequence[Mapping[str, float]], iterations: int) -> str:
    """Write what an iteration's time is spent on: medians of the rounds."""
    middle = {name: median(spans[name] for spans in rounds) for name in rounds[0]}
    total = sum(middle.values())
    lines = [
        (name, f'{1e3 * seconds / iterations:.3g}', f'{100 * seconds / total:.2g}')
        for name, seconds in middle.items()
    ]
    return markdown_table([('spent on', 'ms', '%'), *lines])


def _memory(timing: Timing) -> str:
    if timing.problem:
        return timing.problem
    return '-' if timing.extra_bytes is None else f'{timing.extra_bytes / 2**20:,.0f} MiB'


def _figures(value: float) -> str:
    return f'{value:.3g}' if value < 100 else f'{value:,.0f}'
