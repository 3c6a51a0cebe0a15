"""Draws with seeds of their own: of the place alone, different from each other, kept in workers."""

import pickle
import random

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader

from reid_fusedloss.datasets.draws import Draw, SeededBatchSampler, seed_all
from reid_fusedloss.datasets.reid_dataset import ReIDDataset
from reid_fusedloss.registry import TRANSFORMS

PK = dict(type='reid_fusedloss.PKBatchSampler', num_instances=2)


class Labels(torch.utils.data.Dataset):
    """An index gives what a data set sees of its draw."""

    def __len__(self):
        return 40

    def get_gt_labels(self):
        return np.arange(40) // 5

    def __getitem__(self, index):
        return int(index), index.seed


def make(batch_size=8, rank=0, world_size=1, seed=0, epoch=0, batch_sampler=PK, **options):
    sampler = DefaultSampler(Labels(), seed=seed)
    sampler.rank, sampler.world_size, sampler.epoch = rank, world_size, epoch
    return SeededBatchSampler(sampler, batch_size, batch_sampler, **options)


def draws(sampler):
    return [[(int(draw), draw.seed) for draw in batch] for batch in sampler]


def test_a_draw_is_its_index_with_a_seed():
    draw = pickle.loads(pickle.dumps(Draw(7, 2**32 - 1)))
    assert draw == 7 and draw.seed == 2**32 - 1 and list(range(9))[draw] == 7


def test_seeds_are_of_run_epoch_and_place_alone():
    first = draws(make())
    assert first == draws(make()) and len({seed for batch in first for _, seed in batch}) == 32
    for change in (dict(seed=1), dict(epoch=1)):
        other = draws(make(**change))
        assert not {seed for batch in first for _, seed in batch} & {
            seed for batch in other for _, seed in batch
        }


def test_the_union_of_the_ranks_is_the_batch_of_one_process():
    parts = [draws(make(batch_size=4, rank=rank, world_size=2)) for rank in range(2)]
    assert [one + two for one, two in zip(*parts)] == draws(make())


def test_first_batches_are_left_out_once():
    sampler = make()
    whole = draws(sampler)
    sampler.first = 3
    assert draws(sampler) == whole[3:] and len(sampler) == len(whole) == 4
    assert draws(sampler) == whole
    sampler.first = 4
    assert draws(sampler) == []


def test_a_sampler_without_epochs_is_refused():
    with pytest.raises(TypeError, match='InfiniteSampler has no seed and epoch'):
        SeededBatchSampler(InfiniteSampler(Labels(), seed=0), 8)


@pytest.mark.parametrize('drop_last, sizes', [(False, [12, 12, 12, 4]), (True, [12, 12, 12])])
def test_around_the_batches_of_pytorch(drop_last, sizes):
    assert [len(batch) for batch in make(12, batch_sampler=None, drop_last=drop_last)] == sizes


@pytest.mark.parametrize('num_workers', [0, 2])
def test_seeds_reach_the_data_set(num_workers):
    sampler = make()
    loader = DataLoader(Labels(), batch_sampler=sampler, num_workers=num_workers)
    seen = [list(zip(index.tolist(), seed.tolist())) for index, seed in loader]
    assert seen == draws(sampler)


def test_a_data_set_draws_with_the_seed(tmp_path, make_images):
    make_images(tmp_path / 'train', ['1_1.jpg', '2_1.jpg'])

    class Dataset(ReIDDataset):
        SOURCES, PATTERN = dict(train='train'), r'(?P<pid>\d)'

    numbers = dict(type='reid_fusedloss.LoadReIDImage')
    dataset = Dataset(str(tmp_path), 'train', pipeline=[numbers])
    dataset.pipeline.transforms.append(
        lambda record: (
            random.random(),
            np.random.rand(),
            torch.rand(()).item(),
            record['sample_idx'],
        )
    )
    seed_all(3)
    expected = (random.random(), np.random.rand(), torch.rand(()).item(), 1)
    assert dataset[Draw(1, 3)] == expected == dataset[Draw(1, 3)]
    assert type(dataset[Draw(1, 3)][3]) is int
    assert dataset[Draw(1, 4)][:3] != expected[:3] and dataset[1] != dataset[1]


class Noise:
    """In the manner of Albumentations 2: a generator of its own, made of the system's entropy."""

    def __init__(self):
        self.random_generator = np.random.default_rng()

    def set_random_seed(self, seed):
        self.random_generator = np.random.default_rng(seed)

    def __call__(self, record):
        return self.random_generator.random(), record['sample_idx']


class Wrapper:
    """In the manner of mmpretrain's Albumentations."""

    def __init__(self):
        self.transforms, self.aug = [dict(type='Noise')], Noise()

    def __call__(self, record):
        return self.aug(record)


@TRANSFORMS.register_module()
class Noisy(BaseTransform):
    def __init__(self):
        self.inner = Wrapper()

    def transform(self, record):
        return self.inner(record)


def test_transforms_with_generators_of_their_own_are_seeded(tmp_path, make_images):
    make_images(tmp_path / 'train', ['1_1.jpg', '2_1.jpg'])
    noisy = dict(type='reid_fusedloss.Noisy')
    for step in (noisy, dict(type='RandomApply', prob=1.0, transforms=[noisy])):
        dataset = ReIDDataset(
            str(tmp_path),
            'train',
            sources=dict(train='train'),
            pattern=r'(?P<pid>\d)',
            pipeline=[dict(type='reid_fusedloss.LoadReIDImage'), step],
        )
        expected = (np.random.default_rng(3).random(), 1)
        assert dataset[Draw(1, 3)] == expected == dataset[Draw(1, 3)]
        assert dataset[Draw(1, 4)] != expected and dataset[1] != dataset[1]


def test_albumentations(tmp_path, make_images):
    """The real library, where it is installed."""
    pytest.importorskip('albumentations', minversion='2')
    make_images(tmp_path / 'train', ['1_1.jpg', '2_1.jpg'])
    steps = [
        dict(type='reid_fusedloss.LoadReIDImage'),
        dict(type='Albumentations', transforms=[dict(type='RandomBrightnessContrast', p=1.0)]),
    ]
    dataset = ReIDDataset(
        str(tmp_path), 'train', sources=dict(train='train'), pattern=r'(?P<pid>\d)', pipeline=steps
    )
    first, again, other = (dataset[draw]['img'] for draw in (Draw(0, 3), Draw(0, 3), Draw(0, 4)))
    assert (first == again).all() and (first != other).any()
