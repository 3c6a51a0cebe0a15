import numpy as np
import pytest

from reid_fusedloss.datasets import SyntheticReID

SMALL = dict(
    num_train_ids=4,
    num_test_ids=3,
    num_distractors=2,
    num_junk=2,
    num_cameras=2,
    images_per_camera=2,
    size=(48, 24),
    pipeline=[dict(type='reid_fusedloss.LoadReIDImage')],
)


def test_memory_and_folder_hold_the_same_set(tmp_path):
    for split in ('train', 'test'):
        folder = SyntheticReID(split, str(tmp_path / 'set'), **SMALL)
        memory = SyntheticReID(split, **SMALL)
        assert len(folder) == len(memory)
        for one, other in zip(folder, memory):
            assert one['img_path'].endswith(other['img_path'])
            assert [one[key] for key in ('pid', 'camid', 'is_query')] == [
                other[key] for key in ('pid', 'camid', 'is_query')
            ]
            assert other['img'].shape == (48, 24, 3) and other['img'].dtype == np.uint8
            difference = one['img'].astype(int) - other['img']
            assert np.abs(difference).mean() < 8  # the folder's images went through JPEG


def test_counts():
    train, test = SyntheticReID('train', **SMALL), SyntheticReID('test', **SMALL)
    assert (len(train), train.metainfo['num_ids']) == (4 * 2 * 2, 4)
    queries = sum(record['is_query'] for record in test)
    assert (queries, len(test)) == (3 * 2, 3 * 2 * 2 + 2)


def test_bad_arguments_are_refused_in_memory_too():
    with pytest.raises(ValueError, match='num_cameras'):
        SyntheticReID('train', **(SMALL | dict(num_cameras=1)))


def test_a_part_of_the_identities():
    small = dict(
        num_train_ids=4,
        num_test_ids=3,
        num_distractors=2,
        num_junk=1,
        num_cameras=2,
        images_per_camera=2,
        size=(48, 24),
        max_ids=2,
    )
    assert SyntheticReID('train', **small).metainfo['num_ids'] == 2
    assert len(SyntheticReID('test', **small)) == 2 * 2 * 2
