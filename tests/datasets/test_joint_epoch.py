"""Shares of several data sets in an epoch of PK batches, counted one by one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import DefaultSampler

from reid_fusedloss import logs
from reid_fusedloss.datasets import PKBatchSampler, SeededBatchSampler
from reid_fusedloss.datasets.epoch_plan import apportion, spread

LARGE, SMALL = [9, 4, 7, 12, 30, 5, 4, 8] * 3, [2, 3, 2, 5, 6, 2, 4, 2, 2, 2]


class Joint:
    """Labels of several sets alone; images of an identity per set."""

    def __init__(self, **sizes):
        counts = sum(sizes.values(), [])
        self.labels = np.repeat(np.arange(len(counts)), counts)
        self.sets = np.repeat(list(sizes), [sum(part) for part in sizes.values()])
        self.metainfo = dict(
            sets={
                name: dict(num_ids=len(part), num_images=sum(part)) for name, part in sizes.items()
            }
        )

    def __len__(self):
        return len(self.labels)

    def get_gt_labels(self):
        return self.labels


def make(dataset, p=8, k=2, rank=0, world_size=1, seed=0, epoch=0, rule='chunks', **options):
    sampler = DefaultSampler(dataset, seed=seed)
    sampler.rank, sampler.world_size = rank, world_size
    sampler.set_epoch(epoch)
    return PKBatchSampler(sampler, p * k, k, rule, **options)


def images_of_sets(dataset, sampler):
    return Counter(dataset.sets[image] for batch in sampler for image in batch)


def test_the_log_says_how_many_images_of_each_set_are_drawn(monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    dataset = Joint(a=LARGE, b=SMALL)
    drawn = images_of_sets(dataset, make(dataset, shares='equal'))
    (line,) = [line for line in lines if 'images of each set' in line]
    assert f'a {drawn["a"]} (50.0 %, the set has {sum(LARGE)}), b {drawn["b"]} (50.0 %' in line


@pytest.mark.parametrize('batches', ['mixed', 'per_set'])
@pytest.mark.parametrize(
    'shares, weights',
    [('equal', dict(a=1, b=1)), (dict(b=1, a=3), dict(a=3, b=1)), (dict(a=0.5, b=0.2),) * 2],
)
def test_shares_are_exact_over_an_epoch(shares, weights, batches):
    dataset = Joint(a=LARGE, b=SMALL)
    sampler = make(dataset, shares=shares, batches=batches)
    unit = 2 if batches == 'mixed' else 16  # what cannot be divided: K images, or a batch
    total = sum(weights.values())
    for epoch in range(3):
        sampler.sampler.set_epoch(epoch)
        found = images_of_sets(dataset, sampler)
        for name, weight in weights.items():
            assert abs(found[name] - len(sampler) * 16 * weight / total) < unit
        assert found.total() == len(sampler) * 16
    assert len(sampler) == len(make(dataset, batches=batches))


def test_natural_shares_are_the_full_chunks():
    dataset = Joint(a=LARGE, b=SMALL)
    chunks = {
        name: sum(max(size // 2, 1) for size in part)
        for name, part in dict(a=LARGE, b=SMALL).items()
    }
    found = images_of_sets(dataset, make(dataset))
    total = found.total()
    for name, number in chunks.items():
        assert abs(found[name] - total * number / sum(chunks.values())) < 2 * 3


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.lists(st.integers(1, 20), min_size=6, max_size=15), min_size=2, max_size=4),
    p=st.integers(1, 3),
    k=st.integers(1, 4),
    world_size=st.integers(1, 2),
    seed=st.integers(0, 9),
    rule=st.sampled_from(['chunks', 'identities', 'images']),
    shares=st.sampled_from(['natural', 'equal']),
    batches=st.sampled_from(['mixed', 'per_set']),
)
def test_every_batch(sizes, p, k, world_size, seed, rule, shares, batches):
    """P x K, no identity twice, of one set if asked for, else each set's share; all ranks."""
    dataset = Joint(**{f's{number}': part for number, part in enumerate(sizes)})
    options = dict(rule=rule, seed=seed, shares=shares, batches=batches)
    try:
        samplers = [make(dataset, p, k, rank, world_size, **options) for rank in range(world_size)]
    except ValueError as error:
        assert 'is less than one' in str(error) or 'different identities' in str(error)
        return
    epochs = [list(sampler) for sampler in samplers]
    assert {len(epoch) for epoch in epochs} == {len(samplers[0])}
    whole = make(dataset, p * world_size, k, **options)
    whole_epoch = list(whole)
    found = Counter(dataset.sets[image] for batch in whole_epoch for image in batch)
    for number, parts in enumerate(zip(*epochs, strict=True)):
        union = np.concatenate(parts)
        assert union.tolist() == whole_epoch[number]
        by_id = dataset.labels[union].reshape(-1, k)
        assert (by_id == by_id[:, :1]).all() and len(set(by_id[:, 0])) == world_size * p
        in_batch = Counter(dataset.sets[union])
        if batches == 'per_set':
            assert len(in_batch) == 1
        else:
            for name, images in found.items():
                assert abs(in_batch[name] - images / len(whole)) < 2 * k


def test_each_rank_sees_all_sets():
    dataset = Joint(a=LARGE, b=LARGE)
    for rank in range(2):
        found = images_of_sets(dataset, make(dataset, 6, rank=rank, world_size=2))
        assert 0.3 < found['a'] / found.total() < 0.7


def test_nobody_is_left_out_for_good():
    """A set whose share is below its size shows other people in other epochs."""
    dataset = Joint(a=LARGE, b=[2] * 40)
    seen = set()
    sampler = make(dataset, shares=dict(a=9, b=1))
    for epoch in range(60):
        sampler.sampler.set_epoch(epoch)
        seen |= {int(dataset.labels[image]) for batch in sampler for image in batch}
    assert len(seen) == len(LARGE) + 40


def test_images_of_a_repeated_set_come_equally_often():
    """Three times its size: each image three times, if each identity has a multiple of K."""
    dataset = Joint(a=[4] * 60, b=[4] * 20)
    sampler = make(dataset, shares='equal')
    times = Counter(image for batch in sampler for image in batch if dataset.sets[image] == 'b')
    assert len(sampler) == 20 and set(times.values()) == {2}
    times = Counter(image for batch in sampler for image in batch if dataset.sets[image] == 'a')
    assert set(times.values()) == {1}


def test_more_instances_than_images_repeat_them():
    dataset = Joint(a=[6] * 8, b=[2] * 8)
    for batch in make(dataset, 4, 4, shares='equal'):
        for images in np.reshape(batch, (4, 4)):
            in_set = 4 if dataset.sets[images[0]] == 'a' else 2
            assert len(set(images)) == in_set


@pytest.mark.parametrize('batches', ['mixed', 'per_set'])
def test_an_epoch_depends_on_seed_and_epoch_alone(batches):
    dataset = Joint(a=LARGE, b=SMALL)
    options = dict(shares='equal', batches=batches)
    first = list(make(dataset, epoch=3, **options))
    used = make(dataset, **options)
    list(used)
    used.sampler.set_epoch(3)
    assert list(used) == first != list(make(dataset, epoch=4, **options))
    assert first != list(make(dataset, seed=1, epoch=3, **options))


def test_resumed_in_the_middle_and_on_two_ranks_the_draws_are_equal():
    """Images with the seeds of their augmentations, as the loader sees them."""
    dataset = Joint(a=LARGE, b=SMALL)

    def draws(rank=0, world_size=1, first=0, p=8):
        sampler = DefaultSampler(dataset, seed=0)
        sampler.rank, sampler.world_size = rank, world_size
        batch_sampler = dict(type='reid_fusedloss.PKBatchSampler', num_instances=2, shares='equal')
        seeded = SeededBatchSampler(sampler, p * 2, batch_sampler)
        seeded.first = first
        return [[(int(draw), draw.seed) for draw in batch] for batch in seeded]

    whole = draws()
    assert draws(first=4) == whole[4:]
    halves = [draws(rank, 2, p=4) for rank in range(2)]
    assert [a + b for a, b in zip(*halves, strict=True)] == whole


@pytest.mark.parametrize(
    'options, error, words',
    [
        (dict(shares='half'), ValueError, "shares must be .*, got 'half'"),
        (dict(shares=2), TypeError, 'got 2'),
        (dict(shares=dict(a=1)), ValueError, r"each of \['a', 'b'\], got {'a': 1}"),
        (dict(shares=dict(a=1, b=0)), ValueError, r'shares\.b=0 must be > 0'),
        (dict(shares=dict(a=1, b='x')), TypeError, r"shares\.b='x'"),
        (dict(shares=dict(a=1, b=9)), ValueError, "share of 'b' needs 11 different .* it has 10"),
        (dict(shares=dict(a=1e6, b=1)), ValueError, "share of 'b' is less than one identity"),
        (dict(batches='single'), ValueError, "batches must be .*, got 'single'"),
        (dict(batches='per_set'), ValueError, "per_set' needs 12 identities .*'b' has 10"),
    ],
)
def test_errors(options, error, words):
    with pytest.raises(error, match=words):
        make(Joint(a=LARGE, b=SMALL), 12, **options)


def test_a_single_set_has_no_shares():
    single = Joint(a=LARGE)
    single.metainfo = {}
    for options in (dict(shares='equal'), dict(batches='per_set')):
        with pytest.raises(ValueError, match='for a JointReIDDataset, the data set is one Joint'):
            make(single, **options)


@given(
    weights=st.lists(st.integers(1, 50), min_size=1, max_size=30),
    most=st.integers(1, 20),
    data=st.data(),
)
def test_spread(weights, most, data):
    total = data.draw(st.integers(0, most * len(weights)))
    parts = spread(np.array(weights), total, most)
    assert parts.sum() == total and parts.min() >= 0 and parts.max() <= most
    exact = total * np.array(weights) / sum(weights)
    if exact.max() <= most:
        assert (abs(parts - exact) < 1 + 1e-9).all()


def test_apportion():
    assert apportion([1, 1, 1], 10).tolist() == [4, 3, 3]
    assert apportion([0.5, 0.3, 0.2], 7).tolist() == [4, 2, 1]  # 3.5, 2.1, 1.4
