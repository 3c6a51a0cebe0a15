"""Our steps against mmcv's and mmpretrain's: the same results and random numbers, to the bit."""

import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmpretrain.structures import DataSample

from reid_fusedloss.datasets.draws import seed_cpu
from reid_fusedloss.datasets.pipeline import pipeline_steps
from reid_fusedloss.registry import TRANSFORMS


def image(height=40, width=24, shape=(3,), dtype=np.uint8):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, *shape))
    return pixels.astype(dtype)


IMAGES = dict(
    colour=image(),
    odd=image(7, 5),
    grey=image(shape=()),
    one_channel=image(shape=(1,)),
    four_channels=image(shape=(4,)),
    float32=image(dtype=np.float32),
    mirrored=image()[:, ::-1],
    cropped=image(60, 40)[9:49, 3:27],
)


def outcome(kind, options, pixels, seed):
    """Results of a step, and the next random number; or the error's class."""
    results = dict(img=pixels.copy() if pixels.flags.c_contiguous else pixels, gt_label=3)
    seed_cpu(seed)
    try:
        results = TRANSFORMS.build(dict(type=kind, **options))(results)
    except Exception as error:
        return type(error).__name__
    return results, np.random.random_sample()


def assert_same(ours, theirs):
    if isinstance(ours, np.ndarray):
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    elif isinstance(ours, torch.Tensor):
        assert ours.dtype == theirs.dtype and torch.equal(ours, theirs)
        assert ours.stride() == theirs.stride()
    elif isinstance(ours, DataSample):
        assert_same(ours.to_dict(), theirs.to_dict())
        assert ours.metainfo == theirs.metainfo
    elif isinstance(ours, dict):
        assert list(ours) == list(theirs)
        for key in ours:
            assert_same(ours[key], theirs[key])
    elif isinstance(ours, tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            assert_same(one, other)
    else:
        assert ours == theirs


CASES = [
    ('RandomFlip', dict(prob=0.5)),
    ('RandomFlip', dict(prob=0.9, direction=['horizontal', 'vertical', 'diagonal'])),
    ('RandomFlip', dict(prob=[0.4, 0.5], direction=['diagonal', 'vertical'])),
    ('RandomCrop', dict(crop_size=(40, 24), padding=10)),
    ('RandomCrop', dict(crop_size=(20, 30), padding=(3, 7))),
    ('RandomCrop', dict(crop_size=(41, 19), padding=(0, 5, 6, 1), pad_val=7)),
    ('RandomCrop', dict(crop_size=(8, 8), padding=9)),  # may lie within the padding
    ('RandomCrop', dict(crop_size=(40, 24), padding=4, pad_val=(1, 2, 3))),
    ('RandomCrop', dict(crop_size=(40, 24), padding=[4, 4])),
    ('RandomCrop', dict(crop_size=(20, 30))),
    ('RandomCrop', dict(crop_size=(50, 50), pad_if_needed=True, padding_mode='reflect')),
    ('RandomCrop', dict(crop_size=(50, 30), padding=2, pad_if_needed=True)),
    ('RandomErasing', dict(erase_prob=0.9, fill_color=(103.53, 116.28, 123.675))),
    ('RandomErasing', dict(erase_prob=1.0, max_area_ratio=1.0, fill_color=200)),
    ('RandomErasing', dict(erase_prob=1.0, mode='rand')),
    ('RandomErasing', dict(erase_prob=1.0, mode='rand', fill_std=20.0)),
    ('PackInputs', dict(meta_keys=('flip',))),
]


@pytest.mark.parametrize('pixels', IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize('name, options', CASES, ids=lambda value: str(value))
def test_a_step_is_theirs(name, options, pixels):
    for seed in range(12):
        ours, theirs = (
            outcome(kind, options, pixels, seed) for kind in (f'reid_fusedloss.{name}', name)
        )
        assert_same(ours, theirs)


def test_boxes_are_flipped_too():
    results = dict(img=image(), gt_bboxes=np.array([[1.0, 2.0, 3.0, 5.0]]))
    flip = TRANSFORMS.build(dict(type='reid_fusedloss.RandomFlip', prob=1.0))
    assert flip(results)['gt_bboxes'].tolist() == [[21.0, 2.0, 23.0, 5.0]]


@pytest.mark.parametrize(
    'step',
    [dict(type='RandomFlip', prob=1.0), dict(type='RandomCrop', crop_size=(40, 24), padding=10)],
    ids=lambda step: step['type'],
)
def test_images_lie_in_memory_in_order(step):
    """What the speed is from; mmcv and mmpretrain return views."""
    seed_cpu(0)
    for scope, in_order in (('reid_fusedloss.', True), ('', False)):
        built = TRANSFORMS.build({**step, 'type': scope + step['type']})
        assert built(dict(img=image()))['img'].flags.c_contiguous is in_order


def theirs_of(step):
    """The step of a config as mmcv's or mmpretrain's."""
    if step['type'] == 'reid_fusedloss.LoadReIDImage':
        return step
    return {**step, 'type': step['type'].removeprefix('reid_fusedloss.')}


@pytest.mark.parametrize('loader', ['train_dataloader', 'val_dataloader'])
def test_the_pipeline_of_the_configs_is_theirs(loader, repository):
    """All steps after one another, AutoAugment included, with the seeds of a run's draws."""
    cfg = Config.fromfile(repository / 'configs' / '_base_' / 'datasets' / 'reid.py')
    ours = pipeline_steps(cfg[loader].dataset.pipeline.to_dict())
    theirs = [theirs_of(step) for step in ours]
    assert ours != theirs
    pipelines = Compose(copy.deepcopy(ours)), Compose(theirs)
    for seed in range(40):
        found = []
        for pipeline in pipelines:
            seed_cpu(seed)
            record = dict(img=image(128, 64), img_path='a.jpg', sample_idx=3, pid=5, gt_label=2)
            found.append((pipeline(record), np.random.random_sample(), torch.rand(()).item()))
        assert found[0][0]['inputs'].shape == (3, 256, 128)
        assert_same(*found)
