"""Random numbers of seed, epoch and place alone: not of workers, restarts or processes."""

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
    """Index of an image, and the seed of the random numbers for this one draw of it."""

    seed: int

    def __new__(cls, index: int, seed: int) -> 'Draw':
        draw = super().__new__(cls, index)
        draw.seed = seed
        return draw

    def __reduce__(self) -> tuple[type['Draw'], tuple[int, int]]:
        return Draw, (int(self), self.seed)


@DATA_SAMPLERS.register_module()
class SeededBatchSampler(Sampler):
    """The batches of another batch sampler, each index as a `Draw` with a seed of its own.

    The seed is made of the run's seed, the epoch, the batch and the place in the batch of the whole
    group, so an image is augmented alike with any number of workers, after a restart, and, where
    the ranks' batches make up that of one process as with `PKBatchSampler`, on several processes.
    `ReIDDataset` uses it; other data sets see a plain index.

    Args:
        sampler: an epoch-wise sampler with `seed`, `epoch`, `rank` and `world_size`, such as
            MMEngine's `DefaultSampler`, built by the Runner.
        batch_size: images of a batch on one process.
        batch_sampler: config of the batch sampler to wrap, given `sampler` and `batch_size`; None:
            PyTorch's.
        drop_last: of PyTorch's.

    Attributes:
        first: batches to leave out at the start of the next epoch, after a resume in its middle;
            then 0 again.

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
        """Batches of a whole epoch on each process."""
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[list[Draw]]:
        first, self.first = self.first, 0
        begin = getattr(self.sampler, 'rank', get_rank()) * self.batch_size
        for number, batch in enumerate(self.batch_sampler):
            if number >= first:
                seeds = self._seeds(number)[begin : begin + len(batch)].tolist()
                yield [Draw(index, seed) for index, seed in zip(batch, seeds, strict=True)]

    def _seeds(self, number: int) -> np.ndarray:
        """One for each image of a batch of the whole group."""
        group = self.batch_size * getattr(self.sampler, 'world_size', get_world_size())
        stream = [STREAM, self.sampler.seed, self.sampler.epoch, number]
        return np.random.default_rng(stream).integers(2**32, size=group)


def own_generators(transforms: Iterable[Any]) -> list[Any]:
    """Parts of transforms that have random numbers of their own, such as Albumentations 2.

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
    """Seed the random numbers of Python, NumPy and PyTorch on the CPU, in some microseconds.

    Args:
        seed: 0 to 2**32 - 1.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)


def seed_all(seed: int) -> None:
    """As `seed_cpu`, on all devices."""
    seed_cpu(seed)
    torch.manual_seed(seed)
