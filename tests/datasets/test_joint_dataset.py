"""Several data sets as one: whose image, which person, which camera."""

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from reid_fusedloss.datasets import JointReIDDataset
from reid_fusedloss.registry import DATASETS

PIPELINE = [
    dict(type='reid_fusedloss.LoadReIDImage'),
    dict(type='PackInputs', meta_keys=('sample_idx', 'img_path', 'pid', 'camid', 'is_query')),
]
SOURCES = dict(train='train', query='query', gallery='gallery')
NUMBERS = r'(?P<pid>\d+)_c(?P<camid>\d+)'


def part(root, pattern=NUMBERS, **options):
    return dict(
        type='reid_fusedloss.ReIDDataset',
        data_root=str(root),
        pattern=pattern,
        sources=SOURCES,
        **options,
    )


@pytest.fixture
def parts(tmp_path, make_images):
    """`west` has the numbers and cameras of `east` and one more; `words` has no cameras."""
    pids = dict(east=(5, 7), west=(5, 7, 9))
    for name, numbers in pids.items():
        files = [f'{pid}_c{camera}.jpg' for pid in numbers for camera in (1, 2)]
        make_images(tmp_path / name / 'train', files)
        make_images(tmp_path / name / 'query', [f'{pid}_c1.jpg' for pid in numbers])
        make_images(tmp_path / name / 'gallery', [f'{pid}_c2.jpg' for pid in numbers])
    for role in SOURCES.values():
        make_images(tmp_path / 'words' / role, [f'{pid}{role}.jpg' for pid in ('anna_', 'bert_')])
    return dict(
        west=part(tmp_path / 'west'),
        words=part(tmp_path / 'words', r'(?P<pid>[a-z]+)_'),
        east=part(tmp_path / 'east'),
    )


def infos(dataset):
    return [dataset.get_data_info(number) for number in range(len(dataset))]


def test_identities_and_cameras_are_apart(parts):
    joint = JointReIDDataset(parts, 'train')
    found = infos(joint)
    people = {(info['dataset'], info['img_path'].split('/')[-1].split('_')[0]) for info in found}
    assert len({info['pid'] for info in found}) == len(people) == 7
    assert joint.metainfo['num_ids'] == 7 and joint.metainfo['num_cams'] == 4
    assert {info['camid'] for info in found} == {'east/1', 'east/2', 'west/1', 'west/2', None}
    assert {info['pid'] for info in found} >= {'east/5', 'west/5', 'words/anna'}
    labels = {info['gt_label']: info['pid'] for info in found}
    assert sorted(labels) == list(range(7)) and len(set(labels.values())) == 7
    assert (joint.get_gt_labels() == [info['gt_label'] for info in found]).all()
    assert [info['sample_idx'] for info in found] == list(range(len(found)))


def test_the_order_of_the_parts_changes_nothing(parts):
    """A dumped config has its keys sorted: labels must not depend on them."""
    backwards = dict(reversed(parts.items()))
    assert infos(JointReIDDataset(parts, 'train')) == infos(JointReIDDataset(backwards, 'train'))


def test_the_images_are_those_of_the_parts(parts):
    joint = JointReIDDataset(parts, 'test', PIPELINE)
    for number, info in enumerate(infos(joint)):
        own = DATASETS.build(dict(parts[info['dataset']], split='test', pipeline=PIPELINE))
        paths = [record['img_path'] for record in infos(own)]
        alone = own[paths.index(info['img_path'])]
        sample = joint[number]
        assert (sample['inputs'] == alone['inputs']).all()
        assert sample['data_samples'].is_query == alone['data_samples'].is_query
        assert sample['data_samples'].pid == f'{info["dataset"]}/{alone["data_samples"].pid}'


def test_two_drawn_sets_in_memory():
    """Their files have the same names and are others."""
    init_default_scope('mmpretrain')
    drawn = dict(
        type='reid_fusedloss.SyntheticReID', num_train_ids=3, num_test_ids=2, size=(32, 16)
    )
    joint = JointReIDDataset(dict(a=dict(drawn, seed=0), b=dict(drawn, seed=1)), 'train')
    assert joint.metainfo['num_ids'] == 6
    first, second = (joint.get_data_info(number) for number in (0, len(joint) // 2))
    assert first['img_path'] == second['img_path'] and not np.array_equal(
        first['img'], second['img']
    )


def test_max_ids_is_of_each_part(parts):
    parts['west']['max_ids'] = 3
    joint = JointReIDDataset(parts, 'train', max_ids=2)
    assert {name: facts['num_ids'] for name, facts in joint.metainfo['sets'].items()} == dict(
        east=2, west=3, words=2
    )


def test_a_damaged_image_is_replaced_by_one_of_its_identity(parts, tmp_path):
    (tmp_path / 'west' / 'train' / '5_c1.jpg').write_bytes(b'no image')
    joint = JointReIDDataset(parts, 'train', [PIPELINE[0], dict(type='PackInputs')])
    found = infos(joint)
    number = next(i for i, info in enumerate(found) if 'west/train/5_c1' in info['img_path'])
    sample = joint[number]['data_samples']
    assert sample.gt_label.item() == found[number]['gt_label']
    assert sample.skipped == [found[number]['img_path']]


@pytest.mark.parametrize(
    'change, error, words',
    [
        (lambda parts: parts.update(north=dict(parts['west'])), ValueError, "'west' and 'north'"),
        (
            lambda parts: parts.update(north=dict(parts['west'], max_ids=2)),
            ValueError,
            "'north' and 'west' have images in common",
        ),
        (
            lambda parts: parts['west'].update(max_ids=1),
            ValueError,
            r'parts\.west: .*only identity',
        ),
        (lambda parts: parts['west'].update(pipeline=[]), ValueError, r'parts\.west\.pipeline'),
        (lambda parts: parts['west'].update(split='test'), ValueError, r'parts\.west\.split'),
        (
            lambda parts: parts['west'].update(data_root='x'),
            FileNotFoundError,
            r'parts\.west: .* x ',
        ),
        (lambda parts: parts['west'].update(type='CIFAR10'), TypeError, r'parts\.west'),
        (lambda parts: parts['west'].pop('type'), TypeError, 'NAME=dict'),
        (lambda parts: [parts.pop(name) for name in ('west', 'words')], ValueError, '1 data set, '),
        (lambda parts: parts.update({'a/b': part('x')}), ValueError, "without '/', got 'a/b'"),
    ],
)
def test_errors(parts, change, error, words):
    change(parts)
    with pytest.raises(error, match=words):
        JointReIDDataset(parts, 'train')


def test_a_joint_set_is_no_part(parts):
    nested = dict(type='reid_fusedloss.JointReIDDataset', parts=dict(parts))
    with pytest.raises(TypeError, match=r'parts\.all must be a single data set'):
        JointReIDDataset(dict(all=nested, east=parts['east']), 'train')
