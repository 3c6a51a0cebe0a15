"""Damaged images: skipped and named in training, or an end by key."""

import numpy as np
import pytest
from mmengine.runner import Runner

from reid_fusedloss.datasets import Market1501
from reid_fusedloss.datasets.load_image import UnreadableImageError
from reid_fusedloss.datasets.stand_ins import stand_ins
from tests.tiny import tiny_config

PIPELINE = [dict(type='reid_fusedloss.LoadReIDImage'), dict(type='PackInputs')]


def test_order_of_stand_ins():
    labels = np.array([1, 0, 2, 1, 0, 1])
    assert list(stand_ins(labels, 3, 100)) == [3, 5, 0, 2, 1, 4]
    assert list(stand_ins(labels, 4, 100)) == [4, 1, 0, 3, 5, 2]
    assert list(stand_ins(labels, 2, 4)) == [2, 1, 4, 0]
    assert list(stand_ins(labels, 5, 2)) == [5, 0]


@pytest.fixture
def market(tmp_path, make_images):
    make_images(
        tmp_path / 'bounding_box_train',
        [f'{pid:04d}_c{cam}s1_000001_00.jpg' for pid in (1, 2) for cam in (1, 2, 3)],
    )
    return tmp_path


def damage(root, *names, content=b'no image'):
    paths = [root / 'bounding_box_train' / f'{name}s1_000001_00.jpg' for name in names]
    for path in paths:
        path.write_bytes(content)
    return [str(path) for path in paths]


@pytest.mark.parametrize('content', [b'', b'no image', b'\xff\xd8\xff\xe0' + b'0' * 100])
def test_the_next_image_of_the_identity_stands_in(market, content):
    bad = damage(market, '0001_c2', '0001_c3', content=content)
    dataset = Market1501(str(market), 'train', pipeline=PIPELINE)
    sample = dataset[1]['data_samples']
    assert sample.img_path.endswith('0001_c1s1_000001_00.jpg')
    assert sample.skipped == bad and sample.gt_label.item() == 0
    assert 'skipped' not in dataset[0]['data_samples']


def test_another_identity_stands_in_for_one_without_images(market):
    bad = damage(market, '0001_c1', '0001_c2', '0001_c3')
    sample = Market1501(str(market), 'train', pipeline=PIPELINE)[0]['data_samples']
    assert sample.skipped == bad and sample.gt_label.item() == 1


def test_an_end_by_key_and_after_too_many(market):
    damage(market, *(f'{pid:04d}_c{cam}' for pid in (1, 2) for cam in (1, 2, 3)))
    with pytest.raises(UnreadableImageError, match='0001_c2s1_000001_00.jpg cannot be decoded'):
        Market1501(str(market), 'train', pipeline=PIPELINE, unreadable='stop')[1]
    with pytest.raises(UnreadableImageError, match='^6 images in a row .*0001_c3'):
        Market1501(str(market), 'train', pipeline=PIPELINE)[3]
    with pytest.raises(UnreadableImageError, match='^2 images in a row'):
        Market1501(str(market), 'train', pipeline=PIPELINE, max_refetch=2)[3]
    with pytest.raises(ValueError, match='max_refetch=0'):
        Market1501(str(market), 'train', max_refetch=0)
    with pytest.raises(ValueError, match="unreadable must be .*, got 'ignore'"):
        Market1501(str(market), 'train', unreadable='ignore')


@pytest.mark.slow
@pytest.mark.parametrize('num_workers', [0, 2])
def test_a_run_names_a_damaged_image_once(tmp_path, num_workers):
    options = dict(train_dataloader__num_workers=num_workers, train_cfg__val_interval=9)
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', **options)
    Runner.from_cfg(cfg)  # draws the data set
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', **options)
    cfg.train_dataloader.dataset.type = 'reid_fusedloss.Market1501'
    for key in (
        'num_train_ids',
        'num_test_ids',
        'num_distractors',
        'num_junk',
        'num_cameras',
        'images_per_camera',
        'size',
    ):
        cfg.train_dataloader.dataset.pop(key)
    bad = sorted((tmp_path / 'data' / 'bounding_box_train').glob('*.jpg'))[1]
    bad.write_bytes(bad.read_bytes()[:40])
    runner = Runner.from_cfg(cfg)
    runner.train()
    log = max(tmp_path.rglob('*.log'), key=lambda path: path.stat().st_mtime).read_text()
    assert log.count(f'{bad} cannot be decoded: another image stood in') == 1
    for iteration in (3, 6):
        assert f'up to iteration {iteration}: 1 draws of 1 unreadable images were replaced' in log
