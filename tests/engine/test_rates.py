"""`lr_mult=0` freezes, or is refused."""

import pytest
import torch
from mmengine.runner import Runner

from tests.tiny import tiny_config

FROZEN = dict(custom_keys={'backbone.conv1': dict(lr_mult=0.0)})


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return tmp_path_factory.mktemp('rates') / 'data'


def runner_of(data, work_dir, *schedules, paramwise_cfg=FROZEN):
    cfg = tiny_config(data, work_dir, train_cfg__val_interval=9)
    cfg.default_hooks.pop('report')
    cfg.default_hooks.checkpoint.update(interval=9, save_best=None, save_last=False)
    cfg.optim_wrapper.paramwise_cfg = paramwise_cfg
    cfg.param_scheduler = list(schedules)
    return Runner.from_cfg(cfg)


@pytest.mark.parametrize(
    'schedule, said',
    [
        (
            dict(type='CosineAnnealingLR', eta_min=2e-5, end=2),
            r'eta_min=2e-05, which raises the rate of 1 .*Set param_scheduler\[1\].eta_min_ratio instead',
        ),
        (
            dict(type='PolyLR', eta_min=1e-4, end=2),
            r'eta_min=0.0001, .*param_scheduler\[1\].eta_min=0',
        ),
        (dict(type='CosineRestartLR', periods=[2], eta_min=1e-4, end=2), 'eta_min_ratio instead'),
        (
            dict(type='ReduceOnPlateauLR', monitor='reid/mAP', min_value=1e-5),
            'min_value=1e-05, which',
        ),
        (
            dict(type='OneCycleLR', eta_max=1e-3, total_steps=6, by_epoch=False),
            r"OneCycleLR\) sets the rate of all weights to eta_max=0.001.*\['lr_mult=0.0'\]",
        ),
    ],
    ids=lambda value: value['type'] if isinstance(value, dict) else '',
)
def test_a_schedule_that_would_train_frozen_weights(data, tmp_path, schedule, said):
    warm_up = dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=2)
    with pytest.raises(ValueError, match=said):
        runner_of(data, tmp_path, warm_up, schedule).train()


@pytest.mark.slow
def test_a_ratio_leaves_them_alone(data, tmp_path):
    runner = runner_of(
        data,
        tmp_path,
        dict(type='CosineAnnealingLR', eta_min_ratio=0.01, end=2),
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=2),
    )
    before = [
        weights.clone()
        for weights in (
            runner.model.backbone.conv1.weight,
            runner.model.backbone.layer1[0].conv1.weight,
        )
    ]
    runner.model.init_weights = lambda: None
    runner.train()
    assert torch.equal(runner.model.backbone.conv1.weight, before[0])
    assert not torch.equal(runner.model.backbone.layer1[0].conv1.weight, before[1])


@pytest.mark.slow
def test_rates_above_0_may_have_a_minimum(data, tmp_path):
    runner_of(
        data, tmp_path, dict(type='CosineAnnealingLR', eta_min=2e-5, end=2), paramwise_cfg=None
    ).train()
