"""PK sampler: batches of P identities with K images each."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from torch.utils.data import Sampler

from ..checks import check_choice, check_int
from ..logs import log
from ..registry import DATA_SAMPLERS
from .epoch_plan import EPOCH_RULES, deal, plan_epoch
from .joined import check_no_concatenation
from .joint_epoch import JointEpoch, Shares


class EpochSampler(Protocol):
    """What `PKBatchSampler` reads of MMEngine's `DefaultSampler`."""

    dataset: Any
    seed: int
    epoch: int
    rank: int
    world_size: int


@DATA_SAMPLERS.register_module()
class PKBatchSampler(Sampler):
    """Every batch of every rank holds P distinct identities with K images each.

    Wraps MMEngine's `DefaultSampler`, whose data set, seed, epoch, rank and world size it reads, so
    that MMEngine's own `DistSamplerSeedHook` reaches the epoch. The order depends only on
    (seed, epoch). In a batch of the whole group (all ranks together) no identity occurs twice, so
    ranks are disjoint; it is the batch that one process with the union's size would draw.

    An identity's images are shuffled each epoch and cut into chunks of K. With fewer than K images
    an identity shows each of them and repeats some. How many chunks an epoch has of each identity
    is the epoch rule:

    - 'chunks': as many as it has full chunks, at least one (reid-strong-baseline, torchreid; 185
      batches of 64 on Market-1501, where those draw about 184 and leave the rest out).
    - 'identities': one (open-reid; 46 batches).
    - 'images': equally many for all, together as many images as the data set has (FastReID; 202).

    Unlike in those, an epoch's length is constant: chunks are dealt to the batches, not drawn until
    too few identities are left. So learning rates, ETA and resuming by iteration are exact.

    Over a `JointReIDDataset` an epoch has as many batches, and of each set the share that `shares`
    says; see `JointEpoch`.

    Args:
        sampler: a `DefaultSampler`, built by the Runner from the config's `sampler`.
        batch_size: images of a batch on one process, P x K, from the data loader's `batch_size`.
        num_instances: K, images of an identity; P is `batch_size / num_instances`.
        epoch_rule: 'chunks', 'identities' or 'images'.
        shares: of the sets of a `JointReIDDataset` in an epoch: 'natural' (in proportion to the
            chunks that the epoch rule gives them), 'equal', or a weight for each by its name.
        batches: 'mixed': each batch holds identities of all sets in their shares; 'per_set': each
            batch is of one set, the same on all ranks.

    Raises:
        TypeError: if a size or a weight is not a number, the sampler counts no epochs, or its data
            set has no labels.
        ValueError: if K does not divide the batch size, a rule is unknown, the data set has fewer
            identities than all ranks together need, is several in a `ConcatDataset`, is a single
            set and given shares, or is joint and a share cannot be had.
    """

    def __init__(
        self,
        sampler: EpochSampler,
        batch_size: int,
        num_instances: int,
        epoch_rule: str = 'chunks',
        shares: Shares = 'natural',
        batches: str = 'mixed',
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
        self.shares: Shares = dict(shares) if isinstance(shares, Mapping) else shares
        self.batches = batches
        _check_sampler(sampler)
        self._labels = np.asarray(self.sampler.dataset.get_gt_labels())
        _, self._sizes = np.unique(self._labels, return_counts=True)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._group_ids = self.num_ids * self.sampler.world_size
        if len(self._sizes) < self._group_ids:
            raise ValueError(
                f'a batch needs {self._group_ids} distinct identities ({self.sampler.world_size} '
                f'processes x P={self.num_ids}), the data set has {len(self._sizes)}: lower '
                'batch_size or raise num_instances'
            )
        self._log_small_identities()
        self._joint = self._join()
        if self._joint is not None:
            self._num_batches = self._joint.num_batches
        else:
            self._chunks, self._num_batches = plan_epoch(
                self._sizes, num_instances, self._group_ids, epoch_rule
            )
        self._log_left_out()

    def __len__(self) -> int:
        """Return the number of batches per epoch and process; it is constant."""
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

    def _join(self) -> JointEpoch | None:
        """Plan the epochs of a joint data set; None for a single set."""
        sets = (getattr(self.sampler.dataset, 'metainfo', None) or {}).get('sets')
        if sets is None:
            if (self.shares, self.batches) != ('natural', 'mixed'):
                raise ValueError(
                    f'shares={self.shares!r} and batches={self.batches!r} are for a '
                    f'JointReIDDataset, the data set is one {type(self.sampler.dataset).__name__}: '
                    'leave the two keys out, or join several sets'
                )
            return None
        joint = JointEpoch(
            self._sizes,
            {name: facts['num_ids'] for name, facts in sets.items()},
            self.num_instances,
            self._group_ids,
            self.epoch_rule,
            self.shares,
            self.batches,
        )
        total = sum(joint.slots.values())
        shown = ', '.join(
            f'{name} {slots * self.num_instances} ({100 * slots / total:.1f} %, the set has '
            f'{sets[name]["num_images"]})'
            for name, slots in joint.slots.items()
        )
        log(
            f'images of each set in an epoch, shares {self.shares!r}, batches {self.batches!r}: '
            f'{shown}'
        )
        return joint

    def _log_small_identities(self) -> None:
        few = int((self._sizes < self.num_instances).sum())
        if few:
            log(
                f'{few} of {len(self._sizes)} identities have fewer than num_instances='
                f'{self.num_instances} images, {int((self._sizes == 1).sum())} of them one: '
                'a batch repeats their images'
            )

    def _log_left_out(self) -> None:
        """Log how many images an epoch leaves out, and how many of one identity.

        Each epoch leaves out different ones; their number is constant, except for identities with
        fewer than K images.
        """
        identity, chunk = (part.ravel() for part in self._deal(np.random.default_rng(0)))
        dealt = np.bincount(identity, minlength=len(self._sizes))
        left = np.maximum(self._sizes - dealt * self.num_instances, 0)
        if not left.any():
            return
        most = int(left.argmax())
        limit = ''
        if self.epoch_rule == 'chunks' and dealt[most] == self._num_batches and self._joint is None:
            limit = (
                f': it comes once in each of the {self._num_batches} batches, as many as the '
                'other identities fill'
            )
        log(
            f'epoch rule {self.epoch_rule!r}: an epoch leaves out {int(left.sum())} of '
            f'{len(self._labels)} images, each epoch others; at most {int(left[most])} of '
            f'{int(self._sizes[most])} of one identity{limit}'
        )

    def _deal(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Deal an epoch: identity and number of its chunk, both (batches, identities per group)."""
        if self._joint is not None:
            return self._joint.deal(rng)
        order = rng.permutation(len(self._chunks))
        return deal(order, self._chunks[order], self._num_batches, self._group_ids, rng)


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
