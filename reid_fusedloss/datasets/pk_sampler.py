"""PK sampler: batches of P identities with K images each."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Sampler

from ..checks import check_choice, check_int
from ..registry import DATA_SAMPLERS
from .joined import check_no_concatenation

EPOCH_RULES = ('chunks', 'identities', 'images')


@DATA_SAMPLERS.register_module()
class PKBatchSampler(Sampler):
    """Every batch of every rank holds P distinct identities with K images each.

    Wraps MMEngine's `DefaultSampler`, whose data set, seed, epoch, rank and world size it reads, so
    that MMEngine's own `DistSamplerSeedHook` reaches the epoch. The order depends on (seed, epoch)
    alone. In a batch of the whole group (all ranks together) no identity occurs twice, so ranks are
    disjoint; it is the batch that one process with the union's size would draw.

    An identity's images are shuffled each epoch and cut into chunks of K. With fewer than K images
    an identity shows each of them and repeats some. How many chunks an epoch has of each identity
    is the epoch rule:

    - 'chunks': as many as it has full chunks, at least one (reid-strong-baseline, torchreid; 185
      batches of 64 on Market-1501, where those draw about 184 and leave the rest out).
    - 'identities': one (open-reid; 46 batches).
    - 'images': equally many for all, together as many images as the data set has (FastReID; 202).

    Unlike in those, an epoch's length is constant: chunks are dealt to the batches, not drawn until
    too few identities are left. So learning rates, ETA and resuming by iteration are exact.

    Args:
        sampler: a `DefaultSampler`, built by the Runner from the config's `sampler`.
        batch_size: images of a batch on one process, P x K, from the data loader's `batch_size`.
        num_instances: K, images of an identity; P is `batch_size / num_instances`.
        epoch_rule: 'chunks', 'identities' or 'images'.

    Raises:
        TypeError: if a size is no integer, the sampler counts no epochs, or its data set has no
            labels.
        ValueError: if K does not divide the batch size, the rule is unknown, the data set has
            fewer identities than all ranks together need, or is several in a `ConcatDataset`.
    """

    def __init__(
        self, sampler: Sampler, batch_size: int, num_instances: int, epoch_rule: str = 'chunks'
    ) -> None:
        check_int('batch_size', batch_size)
        check_int('num_instances', num_instances)
        if batch_size % num_instances:
            raise ValueError(
                f'batch_size={batch_size} is not a positive multiple of '
                f'num_instances={num_instances}: a batch is P identities x K images'
            )
        check_choice('epoch_rule', epoch_rule, EPOCH_RULES)
        self.sampler = sampler
        self.batch_size = batch_size
        self.num_instances = num_instances
        self.num_ids = batch_size // num_instances
        self.epoch_rule = epoch_rule
        _check_sampler(sampler)
        self._labels = np.asarray(sampler.dataset.get_gt_labels())
        _, self._sizes = np.unique(self._labels, return_counts=True)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._group_ids = self.num_ids * sampler.world_size
        if len(self._sizes) < self._group_ids:
            raise ValueError(
                f'a batch needs {self._group_ids} distinct identities ({sampler.world_size} '
                f'processes x P={self.num_ids}), the data set has {len(self._sizes)}: lower '
                'batch_size or raise num_instances'
            )
        self._log_small_identities()
        self._chunks, self._num_batches = self._plan()
        self._log_left_out()

    def __len__(self) -> int:
        """Batches an epoch on each process; the same in every epoch."""
        return self._num_batches

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self.sampler.seed, self.sampler.epoch])
        shuffled = rng.permutation(len(self._labels))
        by_identity = shuffled[np.argsort(self._labels[shuffled], kind='stable')]
        identity, chunk = self._deal(rng)
        first = self.sampler.rank * self.num_ids
        mine = slice(first, first + self.num_ids)
        images = np.arange(self.num_instances)
        for batch in range(self._num_batches):
            ids = identity[batch, mine, None]
            place = (chunk[batch, mine, None] * self.num_instances + images) % self._sizes[ids]
            yield by_identity[self._starts[ids] + place].ravel().tolist()

    def _log_small_identities(self) -> None:
        few = int((self._sizes < self.num_instances).sum())
        if few:
            print_log(
                f'{few} of {len(self._sizes)} identities have fewer than num_instances='
                f'{self.num_instances} images, {int((self._sizes == 1).sum())} of them one: '
                'a batch repeats their images',
                logger='current',
            )

    def _log_left_out(self) -> None:
        """How many images an epoch leaves out, and how many of them of one identity.

        Each epoch leaves out others; as many, but for identities of fewer than K images.
        """
        identity, chunk = (part.ravel() for part in self._deal(np.random.default_rng(0)))
        dealt = np.bincount(identity, minlength=len(self._sizes))
        left = np.maximum(self._sizes - dealt * self.num_instances, 0)
        if not left.any():
            return
        most = int(left.argmax())
        limit = ''
        if self.epoch_rule == 'chunks' and dealt[most] == self._num_batches:
            limit = (
                f': it comes once in each of the {self._num_batches} batches, as many as the '
                'other identities fill'
            )
        print_log(
            f'epoch rule {self.epoch_rule!r}: an epoch leaves out {int(left.sum())} of '
            f'{len(self._labels)} images, each epoch others; at most {int(left[most])} of '
            f'{int(self._sizes[most])} of one identity{limit}',
            logger='current',
        )

    def _plan(self) -> tuple[np.ndarray, int]:
        """Chunks wanted of each identity, and the number of batches that they fill."""
        if self.epoch_rule == 'images':
            num_batches = max(len(self._labels) // (self._group_ids * self.num_instances), 1)
            share = -(-num_batches * self._group_ids // len(self._sizes))
            return np.full_like(self._sizes, share), num_batches
        wanted = np.ones_like(self._sizes)
        if self.epoch_rule == 'chunks':
            wanted = np.maximum(self._sizes // self.num_instances, 1)
        num_batches = _most_batches(wanted, self._group_ids)
        return np.minimum(wanted, num_batches), num_batches

    def _deal(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Deal the chunks of identities in random order, like cards, one to each batch in turn.

        An identity has at most as many chunks as there are batches and they follow each other, so
        no batch gets two of them. Every round visits the batches in a new random order; where an
        identity's chunks run over from one round to the next, the order is mended to keep it so.

        Returns: identity and number of the chunk, each of shape (batches, identities of the group).
        """
        order = rng.permutation(len(self._chunks))
        counts = self._chunks[order]
        total = self._num_batches * self._group_ids
        identity = np.repeat(order, counts)[:total]
        firsts = np.repeat(np.cumsum(counts) - counts, counts)[:total]
        chunk = np.arange(total) - firsts
        rounds = np.empty((self._group_ids, self._num_batches), dtype=np.int64)
        for number in range(self._group_ids):
            batches = rng.permutation(self._num_batches)
            begin = number * self._num_batches
            overrun = chunk[begin] if number else 0
            if overrun:
                still = np.count_nonzero(
                    identity[begin : begin + self._num_batches] == identity[begin]
                )
                _avoid(batches, still, taken=rounds[number - 1, -overrun:])
            rounds[number] = batches
        place = np.argsort(rounds, axis=1) + np.arange(self._group_ids)[:, None] * self._num_batches
        return identity[place.T], chunk[place.T]


def _check_sampler(sampler: Any) -> None:
    lacks = [
        name
        for name in ('dataset', 'seed', 'epoch', 'rank', 'world_size')
        if not hasattr(sampler, name)
    ]
    if lacks:
        raise TypeError(
            f'PKBatchSampler wraps a sampler that counts epochs, '
            f"sampler=dict(type='DefaultSampler'); {type(sampler).__name__} has no "
            f'{", ".join(lacks)}'
        )
    check_no_concatenation(sampler.dataset)
    if not hasattr(sampler.dataset, 'get_gt_labels'):
        inner = getattr(sampler.dataset, 'dataset', None)
        hint = (
            ''
            if inner is None
            else (
                f'; take {type(inner).__name__} without the wrapper (`epoch_rule` and `max_epochs` '
                'decide how often an image is drawn)'
            )
        )
        raise TypeError(
            f'PKBatchSampler needs a data set with labels (get_gt_labels), such as the '
            f'train split of ReIDDataset; {type(sampler.dataset).__name__} has none'
            f'{hint}'
        )


def _avoid(batches: np.ndarray, head: int, taken: np.ndarray) -> None:
    """Swap entries in place so that none of the first `head` batches is among `taken`."""
    clash = np.isin(batches, taken)
    wrong = np.flatnonzero(clash[:head])
    free = head + np.flatnonzero(~clash[head:])[: len(wrong)]
    batches[wrong], batches[free] = batches[free], batches[wrong]


def _most_batches(wanted: np.ndarray, ids_per_batch: int) -> int:
    """Largest number of batches of distinct identities that the wanted chunks fill.

    B batches can be filled if sum(min(wanted, B)) >= B * ids_per_batch; that holds up to some B
    and for none above it.
    """
    low, high = 1, int(wanted.sum()) // ids_per_batch
    while low < high:
        middle = (low + high + 1) // 2
        if np.minimum(wanted, middle).sum() >= middle * ids_per_batch:
            low = middle
        else:
            high = middle - 1
    return low
