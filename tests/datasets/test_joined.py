"""Different people of equal numbers are never merged in silence."""

import logging

import pytest
from mmengine.dataset import (
    BaseDataset,
    ConcatDataset,
    DefaultSampler,
    InfiniteSampler,
    RepeatDataset,
)
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch.utils.data import Subset

from reid_fusedloss.datasets import MSMT17TrainVal, PKBatchSampler, ReIDDataset, SeededBatchSampler
from tests.tiny import tiny_config

PATTERN = r'(?P<pid>\d+)_c(?P<camid>\d+)'
A = ('0001_c1.jpg', '0002_c1.jpg', '0003_c1.jpg')
B = ('0002_c2.jpg', '0003_c2.jpg', '0004_c2.jpg')


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING, logger='mmengine'):
        yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


def dataset(root, split='train', **options):
    return ReIDDataset(str(root), split, pattern=PATTERN, **options)


@pytest.fixture
def two(tmp_path, make_images):
    """Two sets in one folder; 0002 and 0003 are in both."""
    for name, files in (('a', A), ('b', B)):
        make_images(tmp_path / name / 'train', files)
    return tmp_path


def test_sources_that_share_identities_are_refused(two, log):
    words = (
        r"ReIDDataset train: 2 identities, '0002' for one, are in .*a/train and in .*b/train"
        '.*same_identities=True.*JointReIDDataset'
    )
    with pytest.raises(ValueError, match=words):
        dataset(two, sources=dict(train=['a/train', 'b/train']))
    joined = dataset(two, sources=dict(train=['a/train', 'b/train']), same_identities=True)
    assert (len(joined), joined.metainfo['num_ids'], log()) == (6, 4, '')


@pytest.mark.parametrize('role', ['query', 'gallery'])
def test_also_in_a_test(two, role):
    sources = dict(query='a/train', gallery='b/train') | {role: ['a/train', 'b/train']}
    with pytest.raises(ValueError, match=f'{role}: 2 identities'):
        dataset(two, 'test', sources=sources)
    assert len(dataset(two, 'test', sources=sources, same_identities=True))


def test_sources_of_different_people_are_joined(two, make_images):
    make_images(two / 'c', ('0007_c1.jpg', '0008_c1.jpg'))
    joined = dataset(two, sources=dict(train=['a/train', 'c']))
    assert joined.metainfo['num_ids'] == 5 and joined.get_gt_labels().tolist() == [0, 1, 2, 3, 4]


def test_a_glob_over_several_folders_is_told(two, log):
    assert dataset(two, sources=dict(train='*/train/*.jpg')).metainfo['num_ids'] == 4
    assert log().count("2 identities are in several folders, '0002' in ") == 1
    assert 'same_identities=True confirms it' in log()


def test_parts_of_one_folder_share_its_people(two, make_images, log):
    make_images(two / 'a' / 'train', ['0001_c5.jpg'])
    joined = dataset(two, sources=dict(train=['a/train/*_c1.jpg', 'a/train/0001*', 'a/train']))
    assert joined.metainfo['num_ids'] == 3 and 'several folders' not in log()
    for number, name in enumerate(('train', 'val')):
        (two / f'list_{name}.txt').write_text(
            f'0001/0001_00{number}_01_a.jpg 1\n0002/0002_00{number}_01_a.jpg 2\n'
        )
    for pid in ('0001', '0002'):
        make_images(two / 'train' / pid, [f'{pid}_00{number}_01_a.jpg' for number in range(2)])
    assert MSMT17TrainVal(str(two), 'train').metainfo['num_ids'] == 2


def test_mmengines_concatenation_is_refused(two):
    parts = [dataset(two, sources=dict(train=f'{name}/train')) for name in 'ab']
    sampler = DefaultSampler(ConcatDataset(parts), seed=0)
    words = 'ConcatDataset of 2 training sets: each numbers its identities from 0.*JointReIDDataset'
    for wrap in (
        lambda: PKBatchSampler(sampler, 4, 2),
        lambda: SeededBatchSampler(sampler, 4),
        lambda: SeededBatchSampler(
            DefaultSampler(Subset(ConcatDataset(parts), range(4)), seed=0), 4
        ),
    ):
        with pytest.raises(ValueError, match=words):
            wrap()


@pytest.mark.parametrize(
    'train_cfg',
    [dict(type='reid_fusedloss.ReIDTrainLoop', max_epochs=1), dict(by_epoch=True, max_epochs=1)],
)
def test_a_training_on_a_concatenation_is_refused(tmp_path, train_cfg):
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work')
    part = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(type='ConcatDataset', datasets=[part, part])
    cfg.train_dataloader.pop('batch_sampler')
    cfg._cfg_dict['train_cfg'] = train_cfg
    with pytest.raises(ValueError, match='ConcatDataset of 2 training sets'):
        Runner.from_cfg(cfg).train()


class Plain(BaseDataset):
    def load_data_list(self):
        return [dict(number=number) for number in range(9)]


def test_what_the_pk_sampler_needs_is_said(two):
    train = dataset(two, sources=dict(train='a/train'))
    for sampler, words in (
        (InfiniteSampler(train, seed=0), "type='DefaultSampler'.*InfiniteSampler has no epoch"),
        (
            DefaultSampler(RepeatDataset(train, 3), seed=0),
            'RepeatDataset has none; take ReIDDataset without the wrapper',
        ),
        (DefaultSampler(Plain(), seed=0), 'Plain has none'),
        (None, 'NoneType has no dataset'),
    ):
        with pytest.raises(TypeError, match=words):
            PKBatchSampler(sampler, 4, 2)
