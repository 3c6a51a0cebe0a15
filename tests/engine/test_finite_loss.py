"""A loss that is not finite stops a training, or its step is left out."""

import json

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from torch import nn

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.hooks import deferred_info_hook
from reid_fusedloss.engine.training import train_loop
from reid_fusedloss.registry import MODELS
from tests.tiny import tiny_config


@MODELS.register_module()
class BrokenLoss(nn.Module):
    """Mean of the features; not a number at the steps chosen."""

    def __init__(self, steps=()):
        super().__init__()
        self.steps, self.step = steps, 0

    def forward(self, features, labels):
        self.step += 1
        return features.mean() * (torch.nan if self.step in self.steps else 1.0)


class Record(Hook):
    """Keeps the state of the model after each step."""

    def __init__(self):
        self.states = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.states.append(
            {name: value.clone() for name, value in runner.model.state_dict().items()}
        )


def make(folder, steps, **options):
    cfg = tiny_config(folder / 'data', folder / 'work', train_cfg__val_interval=9, **options)
    cfg.model.head.loss.terms['broken'] = dict(
        type='reid_fusedloss.BrokenLoss', reads='pooled', weight=1.0, steps=list(steps)
    )
    return Runner.from_cfg(cfg)


def log_of(folder):
    return max(folder.rglob('*.log'), key=lambda path: path.stat().st_mtime).read_text()


def test_a_run_stops_with_the_values_and_the_files(tmp_path):
    runner = make(tmp_path, [5])
    with pytest.raises(FloatingPointError) as caught:
        runner.train()
    text = str(caught.value)
    assert 'iteration 5: ' in text and 'loss_broken=nan' in text and 'loss_triplet=' in text
    assert text.count('.jpg') == 8 and "non_finite_loss='skip'" in text
    saved = load_checkpoint_file(tmp_path / 'work' / 'epoch_1.pth')
    assert all(value.isfinite().all() for value in saved['state_dict'].values())


def test_a_step_is_left_out_by_key(tmp_path):
    runner = make(tmp_path, [2], train_cfg__non_finite_loss='skip', train_cfg__max_epochs=1)
    record = Record()
    runner.register_hook(record)
    runner.train()
    states = record.states
    for name in states[0]:
        same = torch.equal(states[0][name], states[1][name])
        assert same, f'{name} changed in the step that was to be left out'
    assert any(not torch.equal(states[1][name], states[2][name]) for name in states[1])
    log = log_of(tmp_path)
    assert log.count('step skipped') == 1 and 'iteration 2: ' in log and 'loss_broken=nan' in log
    history = load_checkpoint_file(tmp_path / 'work' / 'epoch_1.pth')['message_hub']['log_scalars']
    assert history['train/loss']['values'].isfinite().all()
    assert len(history['train/loss']['values']) == 2


@pytest.mark.slow
def test_too_many_in_a_row_end_the_run(tmp_path):
    runner = make(
        tmp_path, range(3, 99), train_cfg__non_finite_loss='skip', train_cfg__max_epochs=9
    )
    with pytest.raises(FloatingPointError, match='10 steps in a row .* iteration 12: '):
        runner.train()


@pytest.mark.slow
def test_some_in_a_row_do_not(tmp_path):
    runner = make(
        tmp_path,
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 11],
        train_cfg__max_epochs=4,
        train_cfg__non_finite_loss='skip',
    )
    runner.train()
    assert log_of(tmp_path).count('step skipped') == 10


def test_steps_left_out_and_accumulated_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="'skip' cannot be used with accumulative_counts > 1"):
        make(
            tmp_path, [], train_cfg__non_finite_loss='skip', optim_wrapper__accumulative_counts=2
        ).train()


@pytest.mark.parametrize(
    'key, value, error, words',
    [
        ('non_finite_loss', 'ignore', ValueError, "non_finite_loss must be .*, got 'ignore'"),
        ('max_epochs', 0, ValueError, 'train_cfg.max_epochs=0 must be >= 1'),
        ('max_epochs', 'ten', TypeError, "train_cfg.max_epochs='ten' must be an integer"),
        ('val_interval', 1.5, TypeError, 'train_cfg.val_interval=1.5 must be an integer'),
    ],
)
def test_errors(tmp_path, key, value, error, words):
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work')
    cfg.train_cfg[key] = value
    with pytest.raises(error, match=words):
        Runner.from_cfg(cfg).train()


def scalars(folder):
    return [
        {key: value for key, value in json.loads(line).items() if 'time' not in key}
        for line in next(folder.rglob('scalars.json')).read_text().splitlines()
    ]


@pytest.fixture
def late(monkeypatch):
    """Losses that are handled as on a GPU: kept, and read later."""
    for module in (train_loop, deferred_info_hook):
        monkeypatch.setattr(module, 'is_on_host', lambda value: not torch.is_tensor(value))


def test_the_log_of_losses_that_are_read_late(tmp_path, monkeypatch, request):
    """They are read when they are logged, at the end of an epoch, and before a checkpoint."""
    reads = []
    update = MessageHub.update_scalar
    found, histories = [], []
    for when in ('now', 'late'):
        if when == 'late':
            request.getfixturevalue('late')
            monkeypatch.setattr(
                MessageHub,
                'update_scalar',
                lambda hub, name, *rest, **more: (
                    reads.append(name), update(hub, name, *rest, **more)
                ),
            )  # fmt: skip
        folder = tmp_path / when
        runner = make(folder, [], default_hooks__logger__interval=2)
        runner.train()
        found.append(scalars(folder))
        hub = load_checkpoint_file(folder / 'work' / 'epoch_1.pth')['message_hub']
        histories.append(str(hub['log_scalars']['train/loss_broken']))
    assert found[0] == found[1] and histories[0] == histories[1]
    first = [name for name in reads if name in ('train/lr', 'train/loss')][:4]
    assert first == ['train/lr', 'train/lr', 'train/loss', 'train/loss']


def test_a_late_check_tells_the_step(tmp_path, late):
    with pytest.raises(FloatingPointError, match='iteration 5: .*loss_broken=nan') as caught:
        make(tmp_path, [5, 6]).train()
    assert str(caught.value).count('.jpg') == 8
