"""A training that was stopped and resumed is the training without a stop, to the bit."""

import os
import signal

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences, latest_checkpoint
from reid_fusedloss.engine.config import resume
from reid_fusedloss.visualization import load_scalars
from tests.tiny import tiny_config

STEPS, EPOCHS = 3, 4
OPTIONS = dict(
    train_cfg__max_epochs=EPOCHS,
    train_cfg__val_interval=2,
    param_scheduler__1__end=4,
    param_scheduler__0__end=5,
    train_dataloader__dataset__pipeline__auto_augment__prob=0.5,
)


class Stop(Exception):
    pass


class StopAt(Hook):
    """Ends the run at a place, as a kill would: nothing is saved, nothing tidied up."""

    priority = 'VERY_HIGH'

    def __init__(self, place, number, act):
        self.place, self.number, self.act = place, number, act

    def _reached(self, place, number):
        if (place, number) == (self.place, self.number):
            self.act()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._reached('iter', runner.iter + 1)

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._reached('in_val', runner.epoch)

    def after_val_epoch(self, runner, metrics=None):
        self._reached('after_val', runner.epoch)

    def before_save_checkpoint(self, runner, checkpoint):
        self._reached('saving', runner.iter)


def log_of(work_dir):
    return next(work_dir.rglob('*.log')).read_text()


def name_of(stop):
    return '-'.join(map(str, stop))


def kill():
    raise Stop


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def train(data, work_dir, stop=None, go_on=False, custom_hooks=None, **options):
    cfg = tiny_config(data, work_dir, **{**OPTIONS, **options})
    cfg.custom_hooks = custom_hooks
    cfg.default_hooks.pop('report')  # pictures take longer than this training
    if go_on:
        resume(cfg, 'auto')
    runner = Runner.from_cfg(cfg)
    if stop is not None:
        runner.register_hook(StopAt(*stop))
    runner.train()
    return runner


@pytest.fixture(autouse=True)
def _signals():
    """A killed run of these tests leaves its handlers in this process."""
    yield
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture(scope='module')
def straight(tmp_path_factory):
    """A training without a stop: its data and its work_dir."""
    folder = tmp_path_factory.mktemp('straight')
    train(folder / 'data', folder / 'work')
    return folder / 'data', folder / 'work'


def check_equal(work_dir, straight):
    name = f'epoch_{EPOCHS}.pth'
    found = list(
        differences(load_checkpoint_file(work_dir / name), load_checkpoint_file(straight / name))
    )
    assert not found, found
    best = [next(path.glob('best_*.pth')) for path in (work_dir, straight)]
    assert best[0].name == best[1].name
    found = list(differences(*map(load_checkpoint_file, best)))
    assert not found, found
    assert curves(work_dir) == curves(straight)


def curves(work_dir):
    """Logged scalars without times and memory."""
    return {
        kind: [
            {
                key: value
                for key, value in line.items()
                if key not in ('time', 'data_time', 'memory')
            }
            for line in lines
        ]
        for kind, lines in load_scalars(work_dir).items()
    }


def test_the_straight_run_learns_and_augments(straight):
    """Else what follows would compare nothing."""
    checkpoint = load_checkpoint_file(straight[1] / f'epoch_{EPOCHS}.pth')
    weights = load_checkpoint_file(straight[1] / f'epoch_{EPOCHS - 1}.pth')['state_dict']
    assert checkpoint['meta']['iter'] == STEPS * EPOCHS
    assert checkpoint['message_hub']['runtime_info']['last_evaluated'] == EPOCHS
    for name in ('backbone.conv1.weight', 'head.loss_module.terms.center.centers'):
        assert not torch.equal(weights[name], checkpoint['state_dict'][name])
    assert [line['step'] for line in curves(straight[1])['train']] == list(range(1, 13))
    assert len(curves(straight[1])['val']) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    'stop',
    [
        ('iter', 5),
        ('iter', 6),
        ('in_val', 2),
        ('after_val', 2),
        ('saving', 6),
        ('in_val', 4),
        ('saving', 12),
    ],
    ids=name_of,
)
def test_killed(straight, tmp_path, stop):
    with pytest.raises(Stop):
        train(straight[0], tmp_path, (*stop, kill))
    train(straight[0], tmp_path, go_on=True)
    check_equal(tmp_path, straight[1])


@pytest.mark.parametrize(
    'stop',
    [
        pytest.param(('iter', 1), marks=pytest.mark.slow),
        ('iter', 5),
        pytest.param(('iter', 6), marks=pytest.mark.slow),
        ('in_val', 2),
    ],
    ids=name_of,
)
def test_told_to_stop(straight, tmp_path, stop):
    with pytest.raises(SystemExit) as caught:
        train(straight[0], tmp_path, (*stop, terminate))
    assert caught.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    saved = load_checkpoint_file(tmp_path / 'interrupted.pth')
    assert saved['meta']['iter'] == (stop[1] if stop[0] == 'iter' else stop[1] * STEPS)
    train(straight[0], tmp_path, go_on=True)
    check_equal(tmp_path, straight[1])
    assert not (tmp_path / 'interrupted.pth').exists()


@pytest.mark.slow
def test_many_stops(straight, tmp_path):
    for stop in (
        ('iter', 2, terminate),
        ('iter', 4, terminate),
        ('iter', 5, terminate),
        ('saving', 6, kill),
        ('iter', 8, terminate),
        ('iter', 11, kill),
    ):
        with pytest.raises((Stop, SystemExit)):
            train(straight[0], tmp_path, stop, go_on=True)
    train(straight[0], tmp_path, go_on=True)
    check_equal(tmp_path, straight[1])


@pytest.mark.slow
def test_checkpoints_in_the_middle_of_an_epoch(straight, tmp_path):
    options = dict(default_hooks__checkpoint__by_epoch=False, default_hooks__checkpoint__interval=2)
    with pytest.raises(Stop):
        train(straight[0], tmp_path, ('iter', 5, kill), **options)
    assert latest_checkpoint(tmp_path).endswith('iter_4.pth')
    train(straight[0], tmp_path, go_on=True, **options)
    found = list(
        differences(
            load_checkpoint_file(tmp_path / 'iter_12.pth')['state_dict'],
            load_checkpoint_file(straight[1] / 'epoch_4.pth')['state_dict'],
        )
    )
    assert not found and curves(tmp_path) == curves(straight[1])


@pytest.mark.slow
@pytest.mark.parametrize('num_workers', [1, 3])
def test_any_number_of_workers(straight, tmp_path, num_workers):
    options = dict(
        train_dataloader__num_workers=num_workers,
        train_dataloader__persistent_workers=num_workers == 3,
    )
    with pytest.raises(SystemExit):
        train(straight[0], tmp_path, ('iter', 5, terminate), **options)
    train(straight[0], tmp_path, go_on=True, **options)
    check_equal(tmp_path, straight[1])


@pytest.mark.slow
def test_two_runs_are_equal_and_another_seed_is_not(straight, tmp_path):
    train(straight[0], tmp_path / 'again')
    check_equal(tmp_path / 'again', straight[1])
    train(straight[0], tmp_path / 'other', randomness__seed=1)
    found = list(
        differences(
            load_checkpoint_file(tmp_path / 'other' / 'epoch_4.pth'),
            load_checkpoint_file(straight[1] / 'epoch_4.pth'),
        )
    )
    assert 'meta/seed: 1 and 0' in found and len(found) > 50


@pytest.mark.slow
def test_told_to_stop_while_averaged_weights_are_evaluated(straight, tmp_path):
    options = dict(custom_hooks=[dict(type='mmengine.EMAHook', momentum=0.1)])
    train(straight[0], tmp_path / 'straight', **options)
    with pytest.raises(SystemExit):
        train(straight[0], tmp_path / 'stopped', ('in_val', 2, terminate), **options)
    train(straight[0], tmp_path / 'stopped', go_on=True, **options)
    check_equal(tmp_path / 'stopped', tmp_path / 'straight')
    saved = load_checkpoint_file(tmp_path / 'stopped' / 'epoch_4.pth')
    assert list(
        differences(
            saved['state_dict'], load_checkpoint_file(straight[1] / 'epoch_4.pth')['state_dict']
        )
    )


@pytest.mark.slow
def test_a_new_run_in_the_folder_of_an_old_one(straight, tmp_path):
    train(straight[0], tmp_path, randomness__seed=1)
    with pytest.raises(Stop):
        train(straight[0], tmp_path, ('iter', 7, kill))
    assert latest_checkpoint(tmp_path).endswith('epoch_2.pth')
    with pytest.raises(SystemExit):
        train(straight[0], tmp_path, ('iter', 2, terminate))
    assert latest_checkpoint(tmp_path).endswith('interrupted.pth')
    train(straight[0], tmp_path, go_on=True)
    found = list(
        differences(
            *(
                load_checkpoint_file(folder / 'epoch_4.pth')['state_dict']
                for folder in (tmp_path, straight[1])
            )
        )
    )
    assert not found


@pytest.mark.slow
def test_a_loader_of_ones_own(straight, tmp_path):
    """Its first batches are passed over after a stop, though not without being read."""
    cfg = tiny_config(straight[0], tmp_path, **OPTIONS)
    cfg.default_hooks.pop('report')
    cfg.train_cfg.val_interval = 9
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    for iteration, stop in ((5, terminate), (STEPS * EPOCHS, None)):
        resume(cfg, 'auto')
        runner = Runner.from_cfg(cfg)
        runner._train_dataloader = loader
        if stop is None:
            runner.train()
        else:
            runner.register_hook(StopAt('iter', iteration, stop))
            with pytest.raises(SystemExit):
                runner.train()
        assert load_checkpoint_file(latest_checkpoint(tmp_path))['meta']['iter'] == iteration


def test_another_batch_is_refused(straight, tmp_path):
    with pytest.raises(Stop):
        train(straight[0], tmp_path, ('iter', 7, kill))
    with pytest.raises(ValueError, match=r'iterations of an epoch 3 \(here 1\)'):
        train(straight[0], tmp_path, go_on=True, train_dataloader__batch_size=24)
    newest = latest_checkpoint(tmp_path)
    checkpoint = load_checkpoint_file(newest)
    del checkpoint['meta']['training']  # as it was before that was saved
    torch.save(checkpoint, newest)
    with pytest.raises(ValueError, match='epoch 2, iteration 6, but an epoch has 1 iterations'):
        train(straight[0], tmp_path, go_on=True, train_dataloader__batch_size=24)


@pytest.mark.slow
def test_a_seed_that_was_drawn_is_kept(straight, tmp_path):
    with pytest.raises(Stop):
        train(straight[0], tmp_path / 'drawn', ('iter', 7, kill), randomness__seed=None)
    seed = Config.fromfile(tmp_path / 'drawn' / 'synthetic_r18.py').randomness.seed
    assert type(seed) is int and f'seed {seed}' in log_of(tmp_path / 'drawn')
    train(straight[0], tmp_path / 'drawn', go_on=True, randomness__seed=None)
    train(straight[0], tmp_path / 'given', randomness__seed=seed)
    check_equal(tmp_path / 'drawn', tmp_path / 'given')
