import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import DefaultSampler
from mmengine.logging import MMLogger
from torch.utils.data import ConcatDataset

from reid_fusedloss import logs
from reid_fusedloss.datasets import PKBatchSampler


class Labels:
    """A data set of labels alone."""

    def __init__(self, sizes):
        self.labels = np.repeat(np.arange(len(sizes)), sizes)

    def __len__(self):
        return len(self.labels)

    def get_gt_labels(self):
        return self.labels


def make(sizes, p, k, rule='chunks', rank=0, world_size=1, seed=0):
    sampler = DefaultSampler(Labels(sizes), seed=seed)
    sampler.rank, sampler.world_size = rank, world_size
    return PKBatchSampler(sampler, batch_size=p * k, num_instances=k, epoch_rule=rule)


MARKET_LIKE = np.random.default_rng(0).integers(2, 72, 751)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=6, max_size=40),
    p=st.integers(1, 3),
    k=st.integers(1, 5),
    world_size=st.integers(1, 2),
    seed=st.integers(0, 9),
    rule=st.sampled_from(['chunks', 'identities', 'images']),
)
def test_every_batch_is_p_by_k_and_disjoint_over_ranks(sizes, p, k, world_size, seed, rule):
    samplers = [make(sizes, p, k, rule, rank, world_size, seed) for rank in range(world_size)]
    labels = samplers[0].sampler.dataset.labels
    batches = [np.array(list(sampler)) for sampler in samplers]
    assert {len(b) for b in batches} == {len(s) for s in samplers}
    for step in zip(*batches):
        union = np.concatenate(step)
        by_id = labels[union].reshape(world_size * p, k)
        assert (by_id == by_id[:, :1]).all() and len(set(by_id[:, 0])) == world_size * p
        for images in union.reshape(world_size * p, k):
            available = sizes[labels[images[0]]]
            assert len(set(images)) == min(k, available)


def test_union_over_ranks_is_the_batch_of_one_process():
    whole = np.array(list(make(MARKET_LIKE, 16, 4, seed=3)))
    parts = [
        np.array(list(make(MARKET_LIKE, 4, 4, rank=rank, world_size=4, seed=3)))
        for rank in range(4)
    ]
    assert (np.concatenate(parts, axis=1) == whole).all()


@pytest.mark.parametrize('rule', ['chunks', 'identities', 'images'])
def test_epoch_lengths_by_definition(rule):
    sampler = make(MARKET_LIKE, 16, 4, rule)
    full_chunks = sum(max(size // 4, 1) for size in MARKET_LIKE)
    expected = dict(chunks=full_chunks // 16, identities=751 // 16, images=MARKET_LIKE.sum() // 64)[
        rule
    ]
    assert len(sampler) == expected == sum(1 for _ in sampler)


def test_chunks_use_every_image_at_most_once_where_there_are_enough():
    used = np.concatenate(list(make(np.full(40, 12), 8, 4)))
    assert len(used) == len(set(used)) == 480


def test_order_depends_on_seed_and_epoch_alone():
    first, again, other = (make(MARKET_LIKE, 16, 4, seed=seed) for seed in (1, 1, 2))
    epoch0 = list(first)
    assert epoch0 == list(again) == list(first)
    assert epoch0 != list(other)
    first.sampler.set_epoch(1)  # what MMEngine's DistSamplerSeedHook calls
    assert epoch0 != list(first)


def test_global_random_state_is_not_touched():
    np.random.seed(5)
    expected = np.random.RandomState(5).rand()
    list(make(MARKET_LIKE, 16, 4))
    assert np.random.rand() == expected


def test_mmengine_hook_reaches_the_epoch():
    from types import SimpleNamespace

    from mmengine.hooks import DistSamplerSeedHook
    from torch.utils.data import DataLoader

    sampler = make(np.full(40, 12), 8, 4)
    loader = DataLoader(sampler.sampler.dataset.labels, batch_sampler=sampler)
    runner = SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), epoch=7)
    DistSamplerSeedHook().before_train_epoch(runner)
    assert sampler.sampler.epoch == 7


def test_a_dominant_identity_is_capped_not_repeated():
    sampler = make([400, 8, 8, 8], 2, 4)
    labels = sampler.sampler.dataset.labels
    batches = labels[np.array(list(sampler))]
    assert len(sampler) == 6 and all(len(set(batch)) == 2 for batch in batches)


def test_defaults():
    sampler = PKBatchSampler(DefaultSampler(Labels([4] * 5), seed=0), 8, 4)
    assert sampler.epoch_rule == 'chunks'
    assert (sampler.batch_size, sampler.num_ids, sampler.num_instances) == (8, 2, 4)


def test_the_wrapped_sampler_counts_epochs_and_its_data_has_labels():
    with pytest.raises(TypeError, match='list has no dataset, seed, epoch, rank, world_size'):
        PKBatchSampler([], 8, 4)
    inner = type('Bare', (list,), {})([0] * 8)
    with pytest.raises(TypeError, match='Bare has none$'):
        PKBatchSampler(DefaultSampler(inner, seed=0), 8, 4)
    wrapper = type('Repeated', (list,), dict(dataset=Labels([4] * 5)))([0] * 8)
    with pytest.raises(TypeError, match='Repeated has none; take Labels without the wrapper'):
        PKBatchSampler(DefaultSampler(wrapper, seed=0), 8, 4)
    part = Labels([4] * 5)
    part.metainfo = dict(num_ids=5)
    joined = ConcatDataset([part, part])
    with pytest.raises(ValueError, match='JointReIDDataset'):
        PKBatchSampler(DefaultSampler(joined, seed=0), 8, 4)


@pytest.mark.parametrize(
    'batch_size, k, rule, words',
    [
        (10, 4, 'chunks', ['batch_size=10', 'num_instances=4']),
        (8, -4, 'chunks', ['num_instances=-4']),
        (8, 4, None, ['epoch_rule must be', 'got None']),
        (12, 2, 'chunks', ['6 distinct identities', 'has 5']),
        (0, 4, 'chunks', ['batch_size=0']),
        (8, 4, 'all', ["'all'", 'chunks']),
        (64, 4, 'chunks', ['16 distinct identities', 'has 5', 'lower batch_size']),
    ],
)
def test_errors(batch_size, k, rule, words):
    with pytest.raises(ValueError) as caught:
        PKBatchSampler(DefaultSampler(Labels([4] * 5), seed=0), batch_size, k, rule)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize('value', ['64', 8.0, True, None, [8]])
def test_sizes_are_integers(value):
    sampler = DefaultSampler(Labels([4] * 5), seed=0)
    with pytest.raises(TypeError, match='batch_size='):
        PKBatchSampler(sampler, value, 4)
    with pytest.raises(TypeError, match='num_instances='):
        PKBatchSampler(sampler, 8, value)


def test_identities_of_few_images_are_counted(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level('INFO', logger='mmengine'):
        make([1, 1, 3, 4, 9], 2, 4)
        assert (
            caplog.text.count(
                '3 of 5 identities have fewer than num_instances=4 images, 2 of them one'
            )
            == 1
        )
        caplog.clear()
        make([4, 9], 2, 4)
        assert 'have fewer' not in caplog.text
    logger.removeHandler(caplog.handler)


def test_one_image_an_identity_is_repeated():
    batches = np.array(list(make([1] * 4, 2, 3)))
    assert (batches.reshape(-1, 3) == batches.reshape(-1, 3)[:, :1]).all()
    assert sorted(batches[:, ::3].ravel()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    'sizes, k, rule',
    [
        ([400, *[16] * 15], 4, 'chunks'),
        ([400, *[16] * 15], 4, 'identities'),
        ([9, 10, 11, 30], 2, 'chunks'),
        ([40, *[8] * 15], 4, 'images'),
    ],
)
def test_images_that_an_epoch_leaves_out_are_counted(sizes, k, rule, monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    sampler = make(sizes, 2, k, rule)
    seen = np.unique(list(sampler))
    owners = np.repeat(np.arange(len(sizes)), sizes)
    left = np.array(sizes) - np.bincount(owners[seen], minlength=len(sizes))
    assert len(lines) == 1 and left.sum() > 0
    assert f'leaves out {left.sum()} of {sum(sizes)} images' in lines[0]
    assert f'at most {left.max()} of {sizes[left.argmax()]} of one identity' in lines[0]
    most = dict(chunks=len(sampler), identities=1).get(rule)
    limited = rule == 'chunks' and max(sizes) - left.max() == most * k
    assert ('comes once in each of' in lines[0]) == limited


def test_nothing_is_said_where_nothing_is_left_out(monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    make([8] * 6, 2, 4)
    assert not lines
