"""Our parts in a config of mmpretrain's, and a user's own parts under our hooks."""

from unittest.mock import patch

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpretrain.models.heads import ClsHead
from mmpretrain.registry import MODELS as THEIR_MODELS
from torch import nn

from reid_fusedloss.engine.config import use_amp
from tests.ranks import run_ranks
from tests.tiny import tiny_config


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Four people in a folder each, as mmpretrain's CustomDataset reads them."""
    root = tmp_path_factory.mktemp('folders')
    rng = np.random.default_rng(0)
    for person in range(4):
        (root / f'person{person}').mkdir()
        colour = rng.integers(0, 255, 3)
        for number in range(6):
            noise = rng.integers(-20, 20, (48, 24, 3))
            cv2.imwrite(
                str(root / f'person{person}' / f'{number}.png'),
                np.clip(colour + noise, 0, 255).astype(np.uint8),
            )
    return root


def theirs(folders, work_dir, **keys):
    """A training over mmpretrain's default runtime with its data set of folders."""
    config = work_dir / 'theirs.py'
    config.write_text(
        "_base_ = ['mmpretrain::_base_/default_runtime.py']\n"
        "custom_imports = dict(imports=['reid_fusedloss'])\n"
    )
    cfg = Config.fromfile(str(config))
    cfg.merge_from_dict(
        dict(
            work_dir=str(work_dir),
            train_cfg=dict(by_epoch=True, max_epochs=2),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
            train_dataloader=dict(
                batch_size=8,
                num_workers=0,
                collate_fn=dict(type='default_collate'),
                sampler=dict(type='DefaultSampler', shuffle=True),
                batch_sampler=dict(type='reid_fusedloss.PKBatchSampler', num_instances=4),
                dataset=dict(
                    type='CustomDataset',
                    data_root=str(folders),
                    with_label=True,
                    pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')],
                ),
            ),
            model=dict(
                type='ImageClassifier',
                data_preprocessor=dict(num_classes=4),
                backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8),
                neck=dict(type='GlobalAveragePooling'),
                head=dict(
                    type='reid_fusedloss.BNNeckHead',
                    num_classes=4,
                    in_channels=64,
                    loss=dict(
                        type='reid_fusedloss.FusedLoss',
                        terms=dict(
                            id=dict(type='CrossEntropyLoss', reads='logits', weight=1.0),
                            triplet=dict(
                                type='reid_fusedloss.TripletLoss',
                                reads='pooled',
                                weight=1.0,
                                margin=0.3,
                            ),
                        ),
                    ),
                ),
            ),
        )
    )
    cfg.merge_from_dict(keys)
    return cfg


def train(cfg):
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


@pytest.mark.slow
@pytest.mark.parametrize(
    'keys',
    [
        dict(),
        dict(custom_hooks=[dict(type='EMAHook')]),
        dict(default_hooks=dict(checkpoint=dict(type='reid_fusedloss.ReIDCheckpointHook'))),
        dict(
            custom_hooks=[
                dict(type='reid_fusedloss.RunInfoHook'),
                dict(type='reid_fusedloss.StopSignalHook'),
                dict(type='reid_fusedloss.PlainCheckpointHook'),
                dict(type='reid_fusedloss.ReIDReportHook'),
            ]
        ),
        dict(optim_wrapper=dict(type='reid_fusedloss.BF16OptimWrapper')),
    ],
    ids=['plain', 'ema', 'checkpoint', 'hooks', 'bfloat16'],
)
def test_our_parts_among_theirs(folders, tmp_path, keys):
    """A training, and its checkpoint resumed under MMEngine's own loop."""
    train(theirs(folders, tmp_path, **keys))
    longer = theirs(folders, tmp_path, **keys)
    longer.train_cfg.max_epochs, longer.resume = 3, True
    runner = train(longer)
    assert runner.epoch == 3 and (tmp_path / 'epoch_3.pth').is_file()


def test_our_loop_counts_their_classes(folders, tmp_path):
    cfg = theirs(folders, tmp_path)
    cfg.train_cfg = dict(type='reid_fusedloss.ReIDTrainLoop', max_epochs=1)
    cfg.model.head.num_classes = None
    assert train(cfg).model.head.num_classes == 4


def test_their_loop_does_not_count(folders, tmp_path):
    cfg = theirs(folders, tmp_path)
    cfg.model.head.num_classes = None
    with pytest.raises(ValueError, match='num_classes=None: ReIDTrainLoop counts'):
        train(cfg)


class PlainHead(ClsHead):
    """A head of the user's own, without classifier and without `num_classes`."""

    def __init__(self):
        super().__init__(loss=dict(type='CrossEntropyLoss'))

    def loss(self, feats, data_samples):
        return dict(loss=feats[-1].square().mean())

    def predict(self, feats, data_samples=None):
        for sample, feature in zip(data_samples, feats[-1]):
            sample.set_field(feature, 'embedding')
        return data_samples


class PlainModel(BaseModel):
    """A model of the user's own, without backbone, neck and head."""

    def __init__(self, data_preprocessor=None):
        super().__init__(data_preprocessor=data_preprocessor)
        self.layer = nn.Linear(3, 8)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        features = self.layer(inputs.mean((2, 3)))
        if mode == 'loss':
            return dict(loss=features.square().mean())
        return [
            sample.set_field(feature, 'embedding') or sample
            for sample, feature in zip(data_samples, features)
        ]


@pytest.fixture
def own(monkeypatch):
    """The user's types, registered as mmpretrain's are."""
    for part in (PlainHead, PlainModel):
        monkeypatch.setitem(THEIR_MODELS.module_dict, part.__name__, part)


def test_an_own_head_under_our_hooks(own, tmp_path):
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', train_cfg__max_epochs=1)
    cfg.model.head = dict(type='PlainHead')
    assert train(cfg).message_hub.get_scalar('val/reid/mAP').current() > 0


def test_an_own_model_under_our_hooks(own, tmp_path):
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', train_cfg__max_epochs=1)
    cfg.model = dict(type='PlainModel', data_preprocessor=cfg.model.data_preprocessor)
    assert train(cfg).message_hub.get_scalar('val/reid/mAP').current() > 0


def test_a_head_that_gives_no_embeddings_is_refused_before_training(tmp_path):
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work')
    cfg.model.head = dict(type='LinearClsHead', num_classes=6, in_channels=64)
    runner = Runner.from_cfg(cfg)
    with pytest.raises(ValueError, match='`embedding` in the predictions, which LinearClsHead'):
        runner.train()
    assert runner.iter == 0


def test_amp_replaces_no_wrapper_of_the_users(tmp_path):
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work')
    cfg.optim_wrapper.type = 'MyOptimWrapper'
    with pytest.raises(ValueError, match="would replace optim_wrapper.type='MyOptimWrapper'"):
        use_amp(cfg)


@pytest.mark.slow
@pytest.mark.parametrize(
    'keys',
    [
        dict(find_unused_parameters=True),
        dict(model_wrapper_cfg=dict(type='MMDistributedDataParallel', find_unused_parameters=True)),
    ],
)
def test_the_users_wrapper_of_the_model_stays(tmp_path, keys):
    """On processes without a GPU too, where MMEngine names a device that is not there."""
    run_ranks(wrap, 2, tmp_path, keys)


def wrap(rank, world, folder, keys):
    from mmengine.model import MMDistributedDataParallel

    cfg = tiny_config(folder / 'data', folder / f'work{rank}')
    cfg.merge_from_dict(dict(keys, launcher='pytorch'))
    with patch.dict('os.environ', LOCAL_RANK=str(rank), RANK=str(rank), WORLD_SIZE=str(world)):
        model = Runner.from_cfg(cfg).model
    assert isinstance(model, MMDistributedDataParallel)
    assert model.find_unused_parameters and model.device_ids is None
