"""Checkpoints are whole or not there, the latest whole one is found, and differences are seen."""

import errno
import os
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner

from reid_fusedloss.engine.checkpoints import AtomicLocalBackend, differences
from reid_fusedloss.engine.config import resume
from reid_fusedloss.engine.hooks import ReIDCheckpointHook
from tests.tiny import tiny_config


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    target = tmp_path / 'epoch_1.pth'
    target.write_bytes(b'before')

    def full(descriptor):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='epoch_1.pth .* was not written: No space left') as caught:
        AtomicLocalBackend().put(b'x' * 100, target)
    assert caught.value.errno == errno.ENOSPC
    assert target.read_bytes() == b'before' and os.listdir(tmp_path) == ['epoch_1.pth']


@pytest.mark.slow
def test_a_run_on_a_full_disk_stops_and_goes_on(tmp_path, monkeypatch):
    """With max_keep_ckpts=1: the old file is there until the new one is."""
    fsync, calls = os.fsync, []

    def full_at_the_second(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, 'No space left on device')
        fsync(descriptor)

    monkeypatch.setattr(os, 'fsync', full_at_the_second)
    options = dict(default_hooks__checkpoint__max_keep_ckpts=1, train_cfg__val_interval=9)
    with pytest.raises(OSError, match='continue with --resume'):
        Runner.from_cfg(tiny_config(tmp_path / 'data', tmp_path / 'work', **options)).train()
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')] == ['epoch_1.pth']
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', **options)
    resume(cfg, 'auto')
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert [path.name for path in (tmp_path / 'work').glob('epoch_*.pth')] == ['epoch_2.pth']


@pytest.mark.slow
def test_the_best_checkpoint_goes_after_the_new_one_is_there(tmp_path, monkeypatch):
    runner = Runner.from_cfg(
        tiny_config(tmp_path / 'data', tmp_path / 'work', train_cfg__max_epochs=1)
    )
    runner.train()
    hook = next(hook for hook in runner.hooks if isinstance(hook, ReIDCheckpointHook))

    def best():
        return [path.name for path in (tmp_path / 'work').glob('best_*')]

    assert best() == ['best_reid_mAP_epoch_1.pth']
    runner.train_loop._epoch = 2
    hook.after_val_epoch(runner, {'reid/mAP': 100.0})
    assert best() == ['best_reid_mAP_epoch_2.pth']
    runner.train_loop._epoch = 3
    hook.after_val_epoch(runner, {'reid/mAP': 99.0})
    assert best() == ['best_reid_mAP_epoch_2.pth'] and hook.best_ckpt_path.endswith('_2.pth')

    def full(descriptor):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='best_reid_mAP_epoch_3.pth'):
        hook.after_val_epoch(runner, {'reid/mAP': 101.0})
    assert best() == ['best_reid_mAP_epoch_2.pth']


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    runner = Runner.from_cfg(tiny_config(tmp_path / 'data', tmp_path / 'work'))
    with torch.no_grad():
        runner.model.backbone.conv1.weight[0] = torch.nan
    with pytest.raises(FloatingPointError, match=r"not finite .*\['backbone.conv1.weight'\]"):
        ReIDCheckpointHook()._save_checkpoint_with_step(
            SimpleNamespace(model=runner.model, iter=7), 1, {}
        )


def test_a_misspelt_argument_is_refused():
    with pytest.raises(TypeError, match='max_keep_ckpt'):
        ReIDCheckpointHook(max_keep_ckpt=2)


def test_resume_of_a_missing_file_and_of_nothing(tmp_path):
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work')
    with pytest.raises(FileNotFoundError, match='no checkpoint at nowhere.pth'):
        resume(cfg, 'nowhere.pth')
    resume(cfg, 'auto')
    assert cfg.resume is False and cfg.load_from is None


@pytest.mark.parametrize(
    'change, words',
    [
        (
            dict(state_dict=dict(w=torch.tensor([1.0, 0.0]))),
            ['state_dict/w: tensors of shape (2,)'],
        ),
        (
            dict(state_dict=dict(w=torch.tensor([1.0, -0.0, 0.0]))),
            ['state_dict/w: tensors of shape (3,)'],
        ),
        (dict(meta=dict(iter=3, time='later')), ['meta/iter: 3 and 2']),
        (dict(meta=dict(time='later')), ['meta/iter is only in the second']),
        (dict(schedules=[1, 2.5]), ['schedules/1: 2.5 and 2.0']),
        (dict(schedules=[1]), ['schedules has 1 and 2 entries']),
        ({}, []),
    ],
)
def test_differences(change, words):
    second = dict(
        state_dict=dict(w=torch.tensor([1.0, torch.nan])),
        schedules=[1, 2.0],
        meta=dict(iter=2, time='now'),
    )
    if 'w' in change.get('state_dict', {}) and len(change['state_dict']['w']) == 3:
        second['state_dict'] = dict(w=torch.tensor([1.0, 0.0, 0.0]))
    assert list(differences({**second, **change}, second)) == words
