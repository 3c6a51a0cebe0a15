"""Frozen parts do not move, and a resumed training freezes what the straight one does."""

import os
import signal

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine import FreezeHook
from reid_fusedloss.engine.checkpoints import differences
from reid_fusedloss.engine.config import resume
from tests.tiny import tiny_config

OPTIONS = dict(
    train_cfg__max_epochs=3,
    train_cfg__val_interval=4,
    param_scheduler__1__end=3,
    optim_wrapper__optimizer__type='SGD',
    optim_wrapper__optimizer__lr=0.01,
    default_hooks__checkpoint__max_keep_ckpts=9,
)
SGD = dict(momentum=0.9, weight_decay=0.1, nesterov=True)
AVERAGE = dict(type='EMAHook', momentum=0.1)


class StopAfter(Hook):
    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            os.kill(os.getpid(), signal.SIGTERM)


class Start(Hook):
    """Keeps the state dict from before the first step."""

    def before_train(self, runner):
        self.state = {name: value.clone() for name, value in runner.model.state_dict().items()}


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


def train(data, work, *hooks, parts=('backbone',), epochs=2, go_on=False, **options):
    cfg = tiny_config(data, work, **{**OPTIONS, **options})
    cfg.default_hooks.pop('report')
    cfg.optim_wrapper.optimizer.update(SGD)
    if parts:
        cfg.custom_hooks = [
            AVERAGE,
            dict(type='reid_fusedloss.FreezeHook', parts=list(parts), epochs=epochs),
        ]
    if go_on:
        resume(cfg, 'auto')
    runner = Runner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner


def load(work, epoch):
    return load_checkpoint_file(work / f'epoch_{epoch}.pth')


@pytest.fixture(scope='module')
def straight(data, tmp_path_factory):
    work, start = tmp_path_factory.mktemp('straight'), Start()
    train(data, work, start)
    return work, start.state


def test_frozen_parts_do_not_move_and_are_trained_afterwards(straight):
    work, start = straight
    for epoch in (1, 2, 3):
        saved = load(work, epoch)
        for state in (
            saved['state_dict'],  # the average, and what is averaged
            {
                name.removeprefix('module.'): value
                for name, value in saved['ema_state_dict'].items()
            },
        ):
            moved = {name for name in start if not torch.equal(start[name], state[name])}
            assert (
                ('backbone.conv1.weight' in moved)
                == ('backbone.bn1.running_mean' in moved)
                == (epoch == 3)
            )
            assert any(name.startswith('backbone') for name in moved) == (epoch == 3)
            assert 'head.classifier.weight' in moved
        with_state = len(saved['optimizer']['state'])
        assert (with_state > 10) == (epoch == 3)
    log = next(work.rglob('*.log')).read_text()
    assert log.index('frozen: backbone') < log.index('no longer frozen: backbone')


@pytest.mark.slow
def test_as_the_backbone_that_freezes_itself(data, straight, tmp_path):
    """mmpretrain's own way for ResNets, which lasts for the whole training."""
    train(
        data,
        tmp_path,
        parts=(),
        train_cfg__max_epochs=2,
        model__backbone__frozen_stages=4,
        model__backbone__norm_eval=True,
    )
    expected = load(tmp_path, 2)['state_dict']
    found = load(straight[0], 2)['ema_state_dict']
    for name, value in expected.items():
        assert torch.equal(found[f'module.{name}'], value), name


@pytest.mark.slow
@pytest.mark.parametrize('iteration', [2, 6, 8])
def test_resumed_to_the_bit(data, straight, tmp_path, iteration):
    with pytest.raises(SystemExit):
        train(data, tmp_path, StopAfter(iteration))
    train(data, tmp_path, go_on=True)
    for part in ('state_dict', 'ema_state_dict', 'optimizer'):
        assert not list(differences(load(tmp_path, 3)[part], load(straight[0], 3)[part]))


@pytest.mark.slow
def test_what_was_frozen_before_stays_so(data, tmp_path):
    """The bias of a BNNeck is frozen for good; frozen centres are not updated."""
    start = Start()
    runner = train(data, tmp_path, start, parts=('head',), epochs=1, train_cfg__max_epochs=2)
    assert not runner.model.head.bn.bias.requires_grad
    center = 'head.loss_module.terms.center.centers'
    states = [load(tmp_path, epoch)['ema_state_dict'][f'module.{center}'] for epoch in (1, 2)]
    assert torch.equal(states[0], start.state[center])
    assert not torch.equal(states[1], start.state[center])


@pytest.mark.parametrize(
    'arguments, error, words',
    [
        (dict(parts='backbone', epochs=1), TypeError, r"such as \['backbone'\], got 'backbone'"),
        (dict(parts=[''], epochs=1), TypeError, 'a list of names'),
        (dict(parts=[], epochs=1), ValueError, 'parts is empty'),
        (dict(parts=['neck'], epochs=0), ValueError, 'epochs=0'),
        (dict(parts=['neck'], epochs='2'), TypeError, "epochs='2'"),
    ],
)
def test_bad_arguments(arguments, error, words):
    with pytest.raises(error, match=words):
        FreezeHook(**arguments)


@pytest.mark.parametrize(
    'parts, words',
    [
        (['backbone.layer9'], "no part 'backbone.layer9' .*'backbone', 'neck', 'head'"),
        (['backbone', 'head'], 'leaves nothing to train'),
    ],
)
def test_parts_that_cannot_be_frozen(data, tmp_path, parts, words):
    with pytest.raises(ValueError, match=words):
        train(data, tmp_path, parts=parts)
