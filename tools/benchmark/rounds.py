"""Interleaved timing: a busy machine slows all that is compared alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from measure import timed_with_memory

CPU = torch.device('cpu')

Work = Callable[[], Any]
CLOCKS = dict(wall=time.perf_counter, cpu=time.process_time)


@dataclass
class Timing:
    """Seconds of each round of a piece of work, and what it is compared with.

    Attributes:
        title: for the table.
        reference: name of the work that it is compared with, None: nothing.
        images: images (or samples) of one run, None: the table says nothing of them.
        seconds: of each round.
        extra_bytes: peak of memory above the inputs, None: not measured.
        problem: why there are no seconds.
    """

    title: str
    reference: str | None = None
    images: int | None = None
    seconds: list[float] = field(default_factory=list)
    extra_bytes: int | None = None
    problem: str = ''

    @property
    def best(self) -> float | None:
        """Seconds of the fastest round."""
        return min(self.seconds, default=None)

    @property
    def middle(self) -> float | None:
        """Median of the seconds."""
        return median(self.seconds) if self.seconds else None

    def ratio(self, other: 'Timing') -> tuple[float, float] | None:
        """This one's fastest round in those of the other, and the median of the rounds' ratios."""
        if not (self.seconds and other.seconds):
            return None
        each = [own / its for own, its in zip(self.seconds, other.seconds)]
        return self.best / other.best, median(each)

    def as_dict(self, timings: Mapping[str, 'Timing']) -> dict[str, Any]:
        """For the JSON file."""
        ratio = self.ratio(timings[self.reference]) if self.reference in timings else None
        return dict(
            vars(self),
            min=self.best,
            median=self.middle,
            ratio=ratio and ratio[0],
            ratio_median=ratio and ratio[1],
        )


def wait(device: torch.device) -> None:
    """Until the device has done all that was asked of it; a CPU has."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def peak_of(work: Work, device: torch.device) -> int | None:
    """Bytes above what is there before the work; None where the system does not say."""
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
    """Fill the timings by rounds of one run of each; the first run, which is slow, is the caller's.

    Every other round goes backwards, so that none is always the one after the largest.
    """
    now = CLOCKS[clock]
    order: Sequence[str] = list(works)
    for _ in range(rounds):
        for name in order:
            wait(device)
            start = now()
            works[name]()
            wait(device)
            timings[name].seconds.append(now() - start)
        order = order[::-1]


def cells(timing: Timing, timings: Mapping[str, Timing], unit: float = 1e3) -> tuple[str, ...]:
    """Cells of a table: fastest round, median, and the two ratios of `Timing.ratio`."""
    if not timing.seconds:
        return '-', '-', '-', '-'
    ratio = timing.ratio(timings[timing.reference]) if timing.reference in timings else None
    ratios = ('-', '-') if ratio is None else tuple(map(_figures, ratio))
    return _figures(unit * timing.best), _figures(unit * timing.middle), *ratios


def _figures(value: float) -> str:
    return f'{value:.3g}' if value < 100 else f'{value:,.0f}'
