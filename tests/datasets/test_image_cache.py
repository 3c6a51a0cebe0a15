"""Decoded images in memory: the same samples to the bit, and no file is read twice."""

import pytest
import torch
from torch.utils.data import DataLoader

from reid_fusedloss import logs
from reid_fusedloss.datasets import JointReIDDataset, Market1501, image_cache
from reid_fusedloss.datasets.draws import Draw
from reid_fusedloss.datasets.load_image import UnreadableImageError

LOAD = dict(type='reid_fusedloss.LoadReIDImage')
ERASE = dict(type='reid_fusedloss.RandomErasing', erase_prob=1.0)
PACK = dict(type='reid_fusedloss.PackInputs', meta_keys=('img_path', 'ori_shape', 'img_shape'))
# no step before the erasing copies the image
STEPS = [LOAD, ERASE, PACK]
NAMES = [f'{pid:04d}_c{cam}s1_000001_00.jpg' for pid in (1, 2) for cam in (1, 2, 3)]


@pytest.fixture
def market(tmp_path, make_images):
    make_images(tmp_path / 'bounding_box_train', NAMES[:4])
    make_images(tmp_path / 'bounding_box_train', NAMES[4:], size=(40, 18))
    for folder in ('query', 'bounding_box_test'):
        make_images(tmp_path / folder, [f'000{3 + (folder != "query")}_c1s1_000001_00.jpg'])
    return tmp_path


def build(root, split='train', **keys):
    return Market1501(str(root), split, **{'pipeline': STEPS, **keys})


def draw_all(dataset):
    return [dataset[Draw(number, number)] for number in range(len(dataset))]


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs):
        assert torch.equal(one['inputs'], other['inputs'])
        assert one['data_samples'].metainfo == other['data_samples'].metainfo


@pytest.mark.parametrize('block', [image_cache.BLOCK, 4000, 1])
def test_samples_are_the_same_and_files_are_read_once(market, block, monkeypatch):
    monkeypatch.setattr(image_cache, 'BLOCK', block)
    expected = draw_all(build(market))
    dataset = build(market, cache_images=True)
    for name in NAMES:
        (market / 'bounding_box_train' / name).unlink()
    assert_same(draw_all(dataset), expected)
    assert_same(draw_all(dataset), expected)  # an erased image is a copy


@pytest.mark.parametrize('context', ['fork', pytest.param('spawn', marks=pytest.mark.slow)])
def test_workers_read_the_same_memory(market, context):
    expected = draw_all(build(market))
    dataset = build(market, cache_images=True)
    for name in NAMES:
        (market / 'bounding_box_train' / name).unlink()
    loader = DataLoader(
        dataset,
        None,
        sampler=[Draw(number, number) for number in range(len(dataset))],
        num_workers=1,
        multiprocessing_context=context,
    )
    assert_same(list(loader), expected)


def test_a_damaged_image_is_handled_as_without(market):
    for name in NAMES[:2]:
        (market / 'bounding_box_train' / name).write_bytes(b'no image')
    (market / 'query' / '0003_c1s1_000001_00.jpg').write_bytes(b'no image')
    plain, cached = (build(market, cache_images=cache) for cache in (False, True))
    assert_same(draw_all(cached), draw_all(plain))
    skipped = cached[0]['data_samples'].skipped
    assert [path.rpartition('/')[2] for path in skipped] == NAMES[:2]
    with pytest.raises(UnreadableImageError, match='0001_c1s1'):
        build(market, cache_images=True, unreadable='stop')[0]
    tested = build(market, 'test', cache_images=True)
    with pytest.raises(UnreadableImageError, match='0003_c1s1'):
        tested[0]
    assert tested[1]['inputs'].shape == (3, 32, 16)


def test_options_of_the_loading_step_count(market):
    steps = [dict(LOAD, max_pixels=600), PACK]  # 32 x 16 are 512, 40 x 18 are 720
    dataset = build(market, pipeline=steps, cache_images=True)
    assert len(dataset._cache) == 4 and 'skipped' in dataset[4]['data_samples']


def test_a_subset_and_a_joint_data_set(market):
    drawn = dict(
        type='reid_fusedloss.SyntheticReID', num_train_ids=3, num_test_ids=2, size=(32, 16)
    )
    parts = dict(files=dict(type='reid_fusedloss.Market1501', data_root=str(market)), drawn=drawn)
    plain, cached = (
        JointReIDDataset(parts, 'train', STEPS, cache_images=cache) for cache in (False, True)
    )
    assert len(cached._cache) == len(NAMES) < len(cached)
    assert_same(draw_all(cached), draw_all(plain))
    expected = [build(market)[Draw(number, 0)] for number in (4, 5)]
    part = build(market, cache_images=True).get_subset([4, 5])
    assert_same([part[Draw(number, 0)] for number in (0, 1)], expected)
    with pytest.raises(ValueError, match=r'parts\.drawn\.cache_images'):
        JointReIDDataset(dict(parts, drawn=dict(drawn, cache_images=True)), 'train')


def test_memory_is_estimated_and_reported(market, monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda text, **_: lines.append(text))
    monkeypatch.setattr(image_cache, '_mebibytes', str)
    (market / 'bounding_box_train' / NAMES[0]).write_bytes(b'no image')
    build(market, cache_images=True)
    size = 3 * (3 * 32 * 16 + 2 * 40 * 18)  # of the five others
    assert [line for line in lines if 'decod' in line] == [
        f'Market1501 train: decoding 6 images into memory, about {int(size / 5 * 6)}',
        f'Market1501 train: 5 decoded images in memory, {size}; 1 cannot be read',
    ]
    monkeypatch.setattr(image_cache, 'available_memory', lambda: 9000)
    with pytest.raises(ValueError, match='6 images of .* about 10713 decoded, and 9000 of memory'):
        build(market, cache_images=True)


def test_another_loading_step_is_refused(market):
    for steps in ([], [dict(type='LoadImageFromFile'), PACK]):
        with pytest.raises(ValueError, match='starts with LoadReIDImage, got '):
            build(market, pipeline=steps, cache_images=True)
    with pytest.raises(TypeError, match="cache_images='yes' must be True or False"):
        build(market, cache_images='yes')
