"""Plan an epoch: chunks of K images of each identity, dealt to the batches."""

from collections.abc import Sequence

import numpy as np

EPOCH_RULES = ('chunks', 'identities', 'images')


def plan_epoch(
    sizes: np.ndarray, num_instances: int, ids_per_batch: int, epoch_rule: str
) -> tuple[np.ndarray, int]:
    """Plan the chunks of each identity and the number of batches that they fill.

    Args:
        sizes: images of each identity, shape (N,).
        num_instances: images of a chunk (K).
        ids_per_batch: identities of a batch of all processes together, at most N.
        epoch_rule: one of `EPOCH_RULES`, see `PKBatchSampler`.

    Returns:
        Chunks, shape (N,), none above the number of batches and at least as many in all as the
        batches need; and that number.
    """
    if epoch_rule == 'images':
        num_batches = max(int(sizes.sum()) // (ids_per_batch * num_instances), 1)
        return np.full_like(sizes, -(-num_batches * ids_per_batch // len(sizes))), num_batches
    wanted = np.ones_like(sizes)
    if epoch_rule == 'chunks':
        wanted = np.maximum(sizes // num_instances, 1)
    num_batches = _most_batches(wanted, ids_per_batch)
    return np.minimum(wanted, num_batches), num_batches


def deal(
    order: np.ndarray,
    counts: np.ndarray,
    num_batches: int,
    ids_per_batch: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Deal the chunks of identities in an order, like cards, one to each batch in turn.

    An identity has at most as many chunks as there are batches and they follow each other, so no
    batch gets two of them. Every round visits the batches in a new random order; where an
    identity's chunks run over from one round to the next, entries of that order are swapped to keep
    it so.

    Args:
        order: identities, shape (N,).
        counts: chunks of each, in this order; the rest at the end is left out.
        num_batches: number of batches.
        ids_per_batch: identities of each.
        rng: gives the order of the batches in each round.

    Returns:
        Identity and number of the chunk, each of shape (batches, identities of a batch).
    """
    total = num_batches * ids_per_batch
    identity = np.repeat(order, counts)[:total]
    firsts = np.repeat(np.cumsum(counts) - counts, counts)[:total]
    chunk = np.arange(total) - firsts
    rounds = np.empty((ids_per_batch, num_batches), dtype=np.int64)
    for number in range(ids_per_batch):
        batches = rng.permutation(num_batches)
        begin = number * num_batches
        overrun = chunk[begin] if number else 0
        if overrun:
            still = int(np.count_nonzero(identity[begin : begin + num_batches] == identity[begin]))
            _avoid(batches, still, taken=rounds[number - 1, -overrun:])
        rounds[number] = batches
    place = np.argsort(rounds, axis=1) + np.arange(ids_per_batch)[:, None] * num_batches
    return identity[place.T], chunk[place.T]


def apportion(weights: Sequence[float] | np.ndarray, total: int) -> np.ndarray:
    """Divide an integer in proportion to weights, by largest remainders.

    Of equal remainders the first is rounded up.

    Args:
        weights: positive, shape (S,).
        total: what is divided.

    Returns:
        Integers, shape (S,), each less than 1 from its exact part.
    """
    exact = np.asarray(weights, dtype=float) / np.sum(weights) * total
    parts = np.floor(exact).astype(np.int64)
    most = np.argsort(parts - exact, kind='stable')[: total - int(parts.sum())]
    parts[most] += 1
    return parts


def spread(weights: np.ndarray, total: int, most: int) -> np.ndarray:
    """Divide an integer in proportion to integer weights, each part at most `most`.

    What is above `most` goes to the others in proportion. Each gets its exact part rounded down or
    up, depending on the order: in a random order no entry is left out every time.

    Args:
        weights: positive integers, shape (N,).
        total: what is divided, at most N * most.
        most: the most that one gets.

    Returns:
        Integers, shape (N,), whose sum is `total`.
    """
    full = np.zeros(len(weights), dtype=bool)
    while True:
        rest, base = total - most * int(full.sum()), int(weights[~full].sum())
        over = ~full & (weights * rest > most * base)
        if not over.any():
            break
        full |= over
    base = max(base, 1)
    ends = np.cumsum(np.where(full, most * base, weights * rest)) // base
    return np.diff(ends, prepend=0)


def _avoid(batches: np.ndarray, head: int, taken: np.ndarray) -> None:
    """Swap entries in place so that none of the first `head` batches is among `taken`."""
    clash = np.isin(batches, taken)
    wrong = np.flatnonzero(clash[:head])
    free = head + np.flatnonzero(~clash[head:])[: len(wrong)]
    batches[wrong], batches[free] = batches[free], batches[wrong]


def _most_batches(wanted: np.ndarray, ids_per_batch: int) -> int:
    """Find the largest number of batches of distinct identities that the chunks fill.

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
