"""Epochs over several data sets: the share of each, and batches mixed or of one set."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import check_choice, check_number
from .epoch_plan import apportion, deal, plan_epoch, spread

SHARES = ('natural', 'equal')
BATCHES = ('mixed', 'per_set')
Shares = str | Mapping[str, float]


class JointEpoch:
    """Assign the identities of several sets to the batches of an epoch.

    An epoch has as many batches as with natural shares. It has so many chunks of each set as its
    share of them says, divided by largest remainders, and of an identity in proportion to what the
    epoch rule gives it in its set. Where a share asks for more chunks than the rule gives, images
    come again; where for fewer, each epoch leaves out others.

    Args:
        sizes: images of each identity, a set's identities together, shape (N,).
        num_ids: identities of each set by its name, in this order; their sum is N.
        num_instances: images of a chunk (K).
        ids_per_batch: identities of a batch of all processes together.
        epoch_rule: see `PKBatchSampler`.
        shares: 'natural', 'equal', or a weight for each set.
        batches: 'mixed': each batch holds the share of each set, to less than two identities;
            'per_set': each batch is of one set, and the shares are those of the batches.

    Attributes:
        num_batches: batches of an epoch.
        slots: chunks that an epoch has of each set by its name.

    Raises:
        ValueError: if weights do not name each set once, or a share cannot be had without the same
            identity twice in a batch, or is less than a single chunk or batch.
        TypeError: if a weight is not a number.
    """

    def __init__(
        self,
        sizes: np.ndarray,
        num_ids: Mapping[str, int],
        num_instances: int,
        ids_per_batch: int,
        epoch_rule: str,
        shares: Shares,
        batches: str,
    ) -> None:
        weights = check_shares(shares, num_ids)
        check_choice('batches', batches, BATCHES)
        self._ids_per_batch, self._per_set = ids_per_batch, batches == 'per_set'
        ends = np.cumsum(list(num_ids.values()))
        self._starts = ends - list(num_ids.values())
        parts = np.split(sizes, ends[:-1])
        if self._per_set:
            _check_per_set(num_ids, ids_per_batch)
            plans = [plan_epoch(part, num_instances, ids_per_batch, epoch_rule) for part in parts]
            self._chunks = [chunks for chunks, _ in plans]
            natural = [number for _, number in plans]
            self.num_batches = sum(natural)
            self._batches = apportion(weights or natural, self.num_batches)
            slots = self._batches * ids_per_batch
        else:
            chunks, self.num_batches = plan_epoch(sizes, num_instances, ids_per_batch, epoch_rule)
            self._chunks = np.split(chunks, ends[:-1])
            natural = [int(part.sum()) for part in self._chunks]
            slots = apportion(weights or natural, self.num_batches * ids_per_batch)
            self._batches = np.full(len(parts), self.num_batches)
        self.slots = dict(zip(num_ids, slots.tolist(), strict=True))
        self._check_slots(num_ids)

    def deal(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Deal an epoch: identity and number of its chunk, both (batches, identities per batch)."""
        orders, counts = [], []
        for start, chunks, total, most in zip(
            self._starts, self._chunks, self.slots.values(), self._batches, strict=True
        ):
            order = rng.permutation(len(chunks))
            orders.append(start + order)
            counts.append(spread(chunks[order], total, int(most)))
        if self._per_set:
            dealt = [
                deal(order, count, int(number), self._ids_per_batch, rng)
                for order, count, number in zip(orders, counts, self._batches, strict=True)
            ]
            turn = rng.permutation(self.num_batches)
            identity, chunk = (np.concatenate(part)[turn] for part in zip(*dealt))
            return identity, chunk
        # set after set, so that each round of the dealing gives every batch one of the same set
        identity, chunk = deal(
            np.concatenate(orders),
            np.concatenate(counts),
            self.num_batches,
            self._ids_per_batch,
            rng,
        )
        # each process takes adjacent places of a batch: they must not all be of one set
        places = rng.permuted(np.tile(np.arange(identity.shape[1]), (len(identity), 1)), axis=1)
        return np.take_along_axis(identity, places, 1), np.take_along_axis(chunk, places, 1)

    def _check_slots(self, num_ids: Mapping[str, int]) -> None:
        for (name, slots), number in zip(self.slots.items(), self._batches, strict=True):
            if not slots:
                raise ValueError(
                    f'the share of {name!r} is less than one '
                    f'{"batch" if self._per_set else "identity"} of the {self.num_batches} batches '
                    'of an epoch: raise its weight in `shares`, or leave the set out'
                )
            if slots > num_ids[name] * number:
                raise ValueError(
                    f'the share of {name!r} needs {-(-slots // number)} different identities in a '
                    f'batch of {self._ids_per_batch}, but it has {num_ids[name]}: lower its weight '
                    'in `shares`, lower batch_size or raise num_instances'
                )


def check_shares(shares: Any, names: Mapping[str, Any]) -> list[float] | None:
    """Check the shares and return weights in the order of the sets; None for natural ones.

    Raises:
        ValueError: if `shares` is another word, or does not name each set once with a positive
            number.
        TypeError: if it is neither a word nor a dict, or a weight is not a number.
    """
    if isinstance(shares, str):
        check_choice('shares', shares, SHARES)
        return None if shares == 'natural' else [1.0] * len(names)
    if not isinstance(shares, Mapping):
        raise TypeError(f"shares must be 'natural', 'equal' or dict(SET=WEIGHT), got {shares!r}")
    if set(shares) != set(names):
        raise ValueError(
            f'shares must give a weight to each of {sorted(names)}, got {dict(shares)}'
        )
    for name in names:
        check_number(f'shares.{name}', shares[name])
        if shares[name] <= 0:
            raise ValueError(
                f'shares.{name}={shares[name]} must be > 0: leave out a set that must not count'
            )
    return [float(shares[name]) for name in names]


def _check_per_set(num_ids: Mapping[str, int], ids_per_batch: int) -> None:
    few = {name: number for name, number in num_ids.items() if number < ids_per_batch}
    if few:
        raise ValueError(
            f"batches='per_set' needs {ids_per_batch} identities of one set in a batch, but "
            f'{", ".join(f"{name!r} has {number}" for name, number in few.items())}: lower '
            "batch_size, raise num_instances, or mix the sets (batches='mixed')"
        )
