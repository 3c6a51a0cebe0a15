"""What a checkpoint knows of the training set, and which sets it tells apart."""

import shutil

import numpy as np
import pytest
from mmengine.runner import Runner

from reid_fusedloss.engine.training.data_facts import data_facts, differing, same_people

PATTERN = r'(?P<pid>[a-z]+)_c(?P<camid>\d+)'
NAMES = [
    f'{pid}_c1_{number}.jpg' for pid in ('anna', 'bert', 'carl', 'dora') for number in range(4)
]


def part_of(folder):
    return dict(
        type='reid_fusedloss.ReIDDataset',
        data_root=str(folder),
        pattern=PATTERN,
        sources=dict(train='train'),
    )


def facts_of(folder, **options):
    return facts_of_set(dict(part_of(folder), split='train'), **options)


def facts_of_set(dataset, **options):
    loader = dict(
        batch_size=4,
        num_workers=0,
        dataset=dataset,
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(
            type='reid_fusedloss.SeededBatchSampler',
            batch_sampler=dict(type='reid_fusedloss.PKBatchSampler', num_instances=2, **options),
        ),
    )
    return data_facts(Runner.build_dataloader(loader, seed=0))


@pytest.fixture
def folder(tmp_path, make_images):
    make_images(tmp_path / 'data' / 'train', NAMES)
    return tmp_path / 'data'


def rename(folder, old, new):
    for path in sorted((folder / 'train').glob(f'{old}_*')):
        path.rename(path.with_name(path.name.replace(old, new)))


def test_counts(folder):
    facts = facts_of(folder)
    counts = dict(
        epoch_length=4,
        batch_size=4,
        num_instances=2,
        epoch_rule='chunks',
        num_images=16,
        num_identities=4,
    )
    assert {key: facts[key] for key in counts} == counts
    assert not differing(facts, facts_of(folder)) and same_people(facts, facts_of(folder)) is True


def test_a_folder_that_was_moved_is_the_same(folder, tmp_path):
    facts = facts_of(folder)
    shutil.move(folder, tmp_path / 'elsewhere')
    assert facts_of(tmp_path / 'elsewhere') == facts


@pytest.mark.parametrize('old, new', [('dora', 'emil'), ('dora', 'aaron')], ids=['last', 'first'])
def test_an_identity_of_another_name_is_another(folder, old, new):
    facts = facts_of(folder)
    rename(folder, old, new)
    assert [line.split(' ')[0] for line in differing(facts, facts_of(folder))] == ['digest']
    assert same_people(facts, facts_of(folder)) is False


def test_fewer_images_are_counted(folder):
    facts = facts_of(folder)
    (folder / 'train' / NAMES[0]).unlink()
    lines = differing(facts, facts_of(folder))
    assert 'images 16 (here 15)' in lines and lines[-1].startswith('digest of file names')


def test_other_people_of_the_same_names(folder, make_images):
    facts = facts_of(folder)
    make_images(folder / 'train', NAMES[::-1])  # the pictures change places
    here = facts_of(folder)
    assert not differing(facts, here) and differing(facts, here, ['content'])
    assert same_people(facts, here) is False


def test_what_is_not_known_is_not_compared(folder):
    facts = facts_of(folder)
    assert not differing(dict(facts, num_images=None), facts)
    assert not differing({}, facts) and same_people({}, facts) is None


def test_a_data_set_that_tells_nothing():
    loader = dict(
        batch_size=2,
        num_workers=0,
        dataset=[np.zeros(2)] * 6,
        sampler=dict(type='DefaultSampler', shuffle=True),
    )
    facts = data_facts(Runner.build_dataloader(loader, seed=0))
    assert facts == dict(
        epoch_length=3,
        batch_size=2,
        num_instances=None,
        epoch_rule=None,
        shares=None,
        batches=None,
        sets=None,
        num_images=6,
        num_identities=None,
        names=None,
        identities=None,
        content=None,
    )


def test_joint_sets(tmp_path, make_images):
    """Shares, batches and the content of the smaller set too; wherever the folders lie."""
    names = [*NAMES, *(f'p{letter}_c1_{n}.jpg' for letter in 'abcdefghij' for n in range(40))]
    for folder, files in (('a', NAMES), ('b', names)):
        make_images(tmp_path / folder / 'train', files)

    def joint(a='a', b='b', **options):
        parts = dict(a=part_of(tmp_path / a), b=part_of(tmp_path / b))
        dataset = dict(type='reid_fusedloss.JointReIDDataset', split='train', parts=parts)
        return facts_of_set(dataset, **options)

    facts = joint()
    assert facts['sets'] == dict(a='4 / 16', b='14 / 416') and facts['num_identities'] == 18
    equal = joint(shares='equal')
    assert differing(facts, equal) == ['shares of the data sets natural (here equal)']
    assert len(differing(facts, joint(batches='per_set'))) == 1
    shutil.move(tmp_path / 'a', tmp_path / 'z')
    assert joint(a='z') == facts
    make_images(tmp_path / 'z' / 'train', NAMES[::-1])  # the pictures of the smaller set change
    here = joint(a='z')
    assert not differing(facts, here) and differing(facts, here, ['content'])
    assert same_people(facts, joint(a='b', b='z')) is False
