"""Averaged weights (EMAHook): what is tested, saved and reported is one model."""

import json
import os
import re
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook as MMEngineEMAHook
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.engine.hooks import EMAHook

from reid_fusedloss.apis import load_model
from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences
from reid_fusedloss.engine.config import resume
from reid_fusedloss.engine.hooks.averaged_model_hook import warn_of_first_weights
from reid_fusedloss.engine.testing import flip_images
from reid_fusedloss.evaluation import load_features
from tests.engine.processes import finish, free_port, start, write_config
from tests.tiny import tiny_config

EMA = dict(type='EMAHook', momentum=0.05)
BOTH = dict(EMA, evaluate_on_origin=True)
HOOKS = {
    'mmpretrain': EMA,
    'mmengine': dict(EMA, type='mmengine.EMAHook'),
    'buffers': dict(EMA, update_buffers=True),
    'mean': dict(type='EMAHook', ema_type='StochasticWeightAverage'),
    'annealed': dict(type='EMAHook', ema_type='MomentumAnnealingEMA', gamma=3, begin_iter=2),
}


class Terminate(Hook):
    """Sends SIGTERM in the evaluation after an epoch, in the pass with this number."""

    def __init__(self, epoch, number):
        self.epoch, self.number, self.passes = epoch, number, 0

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.passes += runner.epoch == self.epoch
        if runner.epoch == self.epoch and self.passes == self.number:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


def config(data, work, hook, pictures=False, **options):
    cfg = tiny_config(data, work, **options)
    if not pictures:
        cfg.default_hooks.pop('report')
    cfg.custom_hooks = [] if hook is None else [dict(hook)]
    return cfg


def train(cfg, *hooks, go_on=None):
    if go_on:
        resume(cfg, go_on)
    runner = Runner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner


def features_of_test(data, folder, hook, checkpoint, flip=False):
    """What a test ranks: embeddings of query and gallery."""
    cfg = config(data, folder, hook)
    cfg.load_from = str(checkpoint)
    cfg.test_evaluator = dict(type='reid_fusedloss.SaveEmbeddings', path=f'{folder}/f.npz')
    if flip:
        flip_images(cfg)
    Runner.from_cfg(cfg).test()
    found = load_features(folder / 'f.npz')
    return torch.from_numpy(found.query), torch.from_numpy(found.gallery)


def check_same(features, others):
    assert all(torch.equal(*pair) for pair in zip(features, others))


def check_equal(*files):
    saved = [load_checkpoint_file(file) for file in files]
    for part in ('state_dict', 'ema_state_dict', 'optimizer'):
        assert not list(differences(saved[0][part], saved[1][part]))


@pytest.mark.parametrize(
    'name',
    [
        'mmpretrain',
        pytest.param('mmengine', marks=pytest.mark.slow),
        pytest.param('buffers', marks=pytest.mark.slow),
    ],
)
def test_a_test_has_the_averaged_weights_flipped_or_not(data, tmp_path, name):
    train(
        config(
            data, tmp_path / 'work', HOOKS[name], train_cfg__max_epochs=1, train_cfg__val_interval=2
        )
    )
    file = tmp_path / 'work' / 'epoch_1.pth'
    found = {}
    for flip in (False, True):
        found[flip] = features_of_test(data, tmp_path / f'with_{flip}', HOOKS[name], file, flip)
        check_same(
            found[flip], features_of_test(data, tmp_path / f'without_{flip}', None, file, flip)
        )
    assert not torch.allclose(found[False][0], found[True][0])
    model = load_model(next((tmp_path / 'work').glob('*.py')), file, device='cpu')[0]
    weights = load_checkpoint_file(file)['state_dict']
    assert all(torch.equal(weights[key], value) for key, value in model.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize('name', HOOKS)
def test_resumed_to_the_bit(data, tmp_path, name):
    options = dict(train_cfg__max_epochs=3, train_cfg__val_interval=4, param_scheduler__1__end=3)
    train(config(data, tmp_path / 'straight', HOOKS[name], **options))
    train(
        config(data, tmp_path / 'work', HOOKS[name], **options),
        go_on=str(tmp_path / 'straight' / 'epoch_2.pth'),
    )
    check_equal(tmp_path / 'work' / 'epoch_3.pth', tmp_path / 'straight' / 'epoch_3.pth')


@pytest.mark.slow
def test_both_models_are_evaluated_and_reported(data, tmp_path):
    cfg = config(data, tmp_path / 'work', BOTH, pictures=True, train_cfg__max_epochs=1)
    cfg.val_evaluator = [
        cfg.val_evaluator,
        dict(type='reid_fusedloss.SaveEmbeddings', path=f'{tmp_path}/f.npz'),
    ]
    train(cfg)
    saved = load_checkpoint_file(tmp_path / 'work' / 'epoch_1.pth')
    origin = {
        name.removeprefix('module.'): value
        for name, value in saved['ema_state_dict'].items()
        if name != 'steps'
    }
    torch.save(dict(saved, state_dict=origin), tmp_path / 'origin.pth')
    for end, file in (
        ('', tmp_path / 'work' / 'epoch_1.pth'),
        ('_origin', tmp_path / 'origin.pth'),
    ):
        expected = features_of_test(data, tmp_path / f'test{end}', None, file)
        written = load_features(tmp_path / f'f{end}.npz')
        check_same(expected, (torch.from_numpy(written.query), torch.from_numpy(written.gallery)))
        scores = json.loads((tmp_path / 'work' / f'scores{end}.json').read_text())
        lists = json.loads((tmp_path / 'work' / f'ranking_lists/reid{end}.json').read_text())
        precisions = [query['ap'] for query in lists['queries'] if query['ap'] is not None]
        assert scores['reid/mAP'] == pytest.approx(100 * sum(precisions) / len(precisions))
        similarity = (
            torch.nn.functional.normalize(expected[0])
            @ torch.nn.functional.normalize(expected[1]).T
        )
        first = [query['gallery'][0]['distance'] for query in lists['queries']]
        assert first[0] >= 1 - similarity[0].max().item() - 1e-5
    best = load_checkpoint_file(next((tmp_path / 'work').glob('best_*.pth')))
    assert not list(differences(best['state_dict'], saved['state_dict']))
    log = next((tmp_path / 'work').rglob('*.log')).read_text()
    assert 'next the model before averaging' in log and 'reid/mAP_origin: ' in log


@pytest.fixture(scope='module')
def straight(data, tmp_path_factory):
    work = tmp_path_factory.mktemp('straight')
    train(config(data, work, BOTH))
    return work


@pytest.mark.slow
@pytest.mark.parametrize('number', [1, 2])
def test_told_to_stop_while_two_models_are_evaluated(data, straight, tmp_path, number):
    with pytest.raises(SystemExit):
        train(config(data, tmp_path / 'work', BOTH), Terminate(1, number))
    assert load_checkpoint_file(tmp_path / 'work' / 'interrupted.pth')['meta']['iter'] == 3
    train(config(data, tmp_path / 'work', BOTH), go_on='auto')
    check_equal(tmp_path / 'work' / 'epoch_2.pth', straight / 'epoch_2.pth')


@pytest.mark.slow
@pytest.mark.parametrize('name', ['mmpretrain', 'mmengine', 'mean'])
def test_fine_tuned_to_other_identities(data, tmp_path, name):
    options = dict(train_cfg__max_epochs=1, train_cfg__val_interval=2)
    train(
        config(
            data, tmp_path / 'first', HOOKS[name], train_dataloader__dataset__max_ids=4, **options
        )
    )
    cfg = config(data, tmp_path / 'second', HOOKS[name], **options)
    cfg.load_from = str(tmp_path / 'first' / 'epoch_1.pth')
    averaged = load_checkpoint_file(cfg.load_from)['state_dict']
    started = {}

    class Look(Hook):
        priority = 'LOWEST'

        def before_train(self, runner):
            started.update({key: value.clone() for key, value in runner.model.state_dict().items()})

    runner = train(cfg, Look())
    assert started['head.classifier.weight'].shape == (6, 64)
    for key, value in averaged.items():
        if value.shape == started[key].shape:
            assert torch.equal(started[key], value), key
    hook = next(hook for hook in runner.hooks if 'EMAHook' in type(hook).__name__)
    steps = hook.ema_model.steps.item()
    assert steps == len(runner.train_dataloader)


def average_of_ones_and_zeros(hook, steps):
    """The average after a first step that makes all weights 1, and others that make them 0."""
    model = torch.nn.Linear(2, 2, bias=False)
    hook.before_run(SimpleNamespace(model=model))
    for step in range(steps):
        model.weight.data.fill_(float(step == 0))
        hook.ema_model.update_parameters(model)
    return hook.ema_model.module.weight.mean().item()


@pytest.mark.parametrize('interval', [1, 3])
@pytest.mark.parametrize('kind', [MMEngineEMAHook, EMAHook])
def test_first_weights_left_in_the_average(interval, kind):
    """The share in the warning is that of a real average; its momentum forgets the first weights."""
    lines = []
    runner = SimpleNamespace(max_iters=100, logger=SimpleNamespace(warning=lines.append))
    hook = kind(momentum=0.004, interval=interval)
    left = average_of_ones_and_zeros(hook, 100)
    warn_of_first_weights(runner, hook)
    (line,) = lines
    assert re.search(r'(\d+)% of the average', line).group(1) == f'{100 * left:.0f}'
    fitting = kind(
        momentum=float(re.search(r'set momentum=(\S+)', line).group(1)), interval=interval
    )
    assert average_of_ones_and_zeros(fitting, 100) == pytest.approx(0.01, rel=0.1)
    warn_of_first_weights(runner, fitting)
    assert len(lines) == 1


def test_training_with_a_slow_average_warns(data, tmp_path):
    hook = dict(EMA, momentum=2e-4)
    runner = train(config(data, tmp_path, hook, train_cfg__max_epochs=1, train_cfg__val_interval=2))
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert 'EMAHook(momentum=0.0002): after the' in log and 'set momentum=' in log


def test_what_does_not_fit(data, tmp_path):
    options = dict(train_cfg__max_epochs=1, train_cfg__val_interval=2)
    train(config(data, tmp_path / 'work', EMA, **options))
    with pytest.raises(ValueError, match='is of a training with an EMAHook'):
        train(config(data, tmp_path / 'work', None, train_cfg__max_epochs=2), go_on='auto')
    for hook, words in (
        (dict(EMA, priority='LOWEST'), 'runs after the checkpoint hook'),
        (dict(BOTH, evaluate_on_ema=False), 'evaluate_on_ema=False'),
    ):
        with pytest.raises(ValueError, match=words):
            train(config(data, tmp_path / 'other', hook, **options))
    saved = load_checkpoint_file(tmp_path / 'work' / 'epoch_1.pth')
    del saved['ema_state_dict']['module.backbone.conv1.weight']
    torch.save(saved, tmp_path / 'half.pth')
    with pytest.raises(
        ValueError, match='1 averaged weights, such as module.backbone.conv1.weight'
    ):
        features_of_test(data, tmp_path / 'test', EMA, tmp_path / 'half.pth')


@pytest.mark.slow
def test_two_processes_save_what_all_of_them_evaluated(tmp_path):
    """And frozen parts stay as they are, though the processes would wait for their gradients."""
    config = write_config(tmp_path, train_cfg__max_epochs=2, train_cfg__val_interval=1)
    text = Path(config).read_text()
    Path(config).write_text(f"""{text}
custom_hooks = [dict(type='EMAHook', momentum=.05), dict(
    type='reid_fusedloss.FreezeHook', parts=['backbone.layer1'], epochs=1)]
find_unused_parameters = True
""")
    folder = tmp_path / 'work'
    finish(start(config, folder, processes=2, PORT=free_port()), folder)
    saved = [load_checkpoint_file(folder / f'epoch_{epoch}.pth') for epoch in (1, 2)]
    for checkpoint in saved:
        buffers = [name for name in checkpoint['state_dict'] if 'running_' in name]
        assert buffers and all(
            torch.equal(
                checkpoint['state_dict'][name], checkpoint['ema_state_dict'][f'module.{name}']
            )
            for name in buffers
        )
    for name, value in saved[0]['ema_state_dict'].items():
        if 'backbone.layer1' in name and 'num_batches' not in name:
            assert torch.equal(value, saved[0]['state_dict'][name.removeprefix('module.')])
            assert not torch.equal(value, saved[1]['ema_state_dict'][name])
