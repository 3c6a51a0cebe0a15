"""Random numbers that depend only on seed, epoch and position in the batch.

The number of workers, restarts and processes does not change them.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank, get_world_size
from torch.utils.data import BatchSampler, Sampler

from ..registry import DATA_SAMPLERS
from .joined import check_no_concatenation

STREAM = 0x64726177  # tells these numbers from others that are made of the same seed


class Draw(int):
    """Index of an image with the random seed for this draw of it."""

    seed: int

    def __new__(cls, index: int, seed: int) -> 'Draw':
        draw = super().__new__(cls, index)
        draw.seed = seed
        return draw

    def __reduce__(self) -> tuple[type['Draw'], tuple[int, int]]:
        return Draw, (int(self), self.seed)


@DATA_SAMPLERS.register_module()
class SeededBatchSampler(Sampler):
    """Give each index of another batch sampler its own random seed, as a `Draw`.

    The seed depends on the run's seed, the epoch, the batch and the position in the batch of all
    processes together. So an image is augmented in the same way with any number of workers, after a
    restart and, if the ranks' batches together are that of one process as with `PKBatchSampler`, on
    several processes. `ReIDDataset` uses the seed; other data sets see a plain index.

    Args:
        sampler: an epoch-wise sampler with `seed`, `epoch`, `rank` and `world_size`, such as
            MMEngine's `DefaultSampler`, built by the Runner.
        batch_size: images of a batch on one process.
        batch_sampler: config of the batch sampler to wrap, given `sampler` and `batch_size`; None:
            PyTorch's.
        drop_last: of PyTorch's.

    Attributes:
        first: batches to skip at the start of the next epoch, after a resume in its middle; then
            reset to 0.

    Raises:
        TypeError: if the sampler has no `seed` and `epoch`.
        ValueError: if its data set is several training sets in a `ConcatDataset`.
    """

    def __init__(
        self,
        sampler: Sampler,
        batch_size: int,
        batch_sampler: dict | None = None,
        drop_last: bool = False,
    ) -> None:
        if not (hasattr(sampler, 'seed') and hasattr(sampler, 'epoch')):
            raise TypeError(
                f'{type(sampler).__name__} has no seed and epoch, as a sampler that '
                "counts epochs has: use DefaultSampler, or MMEngine's own loop "
                '(train_cfg.by_epoch)'
            )
        check_no_concatenation(getattr(sampler, 'dataset', None))
        self.sampler = sampler
        self.batch_size = batch_size
        if batch_sampler is None:
            self.batch_sampler: Any = BatchSampler(sampler, batch_size, drop_last)
        else:
            self.batch_sampler = DATA_SAMPLERS.build(
                batch_sampler, default_args=dict(sampler=sampler, batch_size=batch_size)
            )
        self.first = 0

    def __len__(self) -> int:
        """Return the number of batches of a full epoch on each process."""
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[list[Draw]]:
        first, self.first = self.first, 0
        begin = getattr(self.sampler, 'rank', get_rank()) * self.batch_size
        for number, batch in enumerate(self.batch_sampler):
            if number >= first:
                seeds = self._seeds(number)[begin : begin + len(batch)].tolist()
                yield [Draw(index, seed) for index, seed in zip(batch, seeds, strict=True)]

    def _seeds(self, number: int) -> np.ndarray:
        """Draw one seed for each image of a batch of all processes."""
        group = self.batch_size * getattr(self.sampler, 'world_size', get_world_size())
        stream = [STREAM, self.sampler.seed, self.sampler.epoch, number]
        return np.random.default_rng(stream).integers(2**32, size=group)


def own_generators(transforms: Iterable[Any]) -> list[Any]:
    """Find the parts of transforms that have their own random generator, as in Albumentations 2.

    Args:
        transforms: callables, which may hold others in lists or under any name.

    Returns:
        The outermost objects with a method `set_random_seed`.
    """
    found, waiting, seen = [], list(transforms), set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if callable(getattr(part, 'set_random_seed', None)):
            found.append(part)
        elif isinstance(part, (list, tuple)):
            waiting += part
        elif callable(part) and not isinstance(part, type):
            waiting += getattr(part, '__dict__', {}).values()
    return found


def seed_cpu(seed: int) -> None:
    """Seed the random numbers of Python, NumPy and PyTorch on the CPU.

    Args:
        seed: 0 to 2**32 - 1.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)


def seed_all(seed: int) -> None:
    """Seed as `seed_cpu` does, on all devices."""
    seed_cpu(seed)
    torch.manual_seed(seed)
