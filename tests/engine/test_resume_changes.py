"""A config that changed since the checkpoint: nothing is overruled or mixed without a word."""

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine import config as engine_config
from reid_fusedloss.engine.checkpoints import differences
from reid_fusedloss.visualization import load_scalars
from tests.calling import call
from tests.tiny import DEMO, tiny_config

EPOCHS = 3
# LinearLR over 2 steps, then a cosine from epoch 1 to 3; the evaluation is at the end alone
BASE = dict(
    train_cfg__max_epochs=EPOCHS,
    train_cfg__val_interval=9,
    param_scheduler__0__end=2,
    param_scheduler__1__end=EPOCHS,
)


def config(data, work_dir, **options):
    cfg = tiny_config(data, work_dir, **{**BASE, **options})
    cfg.default_hooks.pop('report')
    cfg.default_hooks.checkpoint.update(save_best=None, max_keep_ckpts=-1)
    return cfg


def train(data, work_dir, change=None, **options):
    cfg = config(data, work_dir, **options)
    if change is not None:
        change(cfg)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


@pytest.fixture(scope='module')
def straight(tmp_path_factory):
    """A training without a stop: its data and its work_dir."""
    folder = tmp_path_factory.mktemp('straight')
    train(folder / 'data', folder / 'work')
    return folder / 'data', folder / 'work'


@pytest.fixture
def resume(straight, tmp_path):
    """Resume the straight run's first epoch under another config."""

    def go_on(change=None, checkpoint=None, **options):
        given = checkpoint or straight[1] / 'epoch_1.pth'
        return train(
            options.pop('data', straight[0]),
            tmp_path / 'resumed',
            change,
            load_from=str(given),
            resume=True,
            **options,
        )

    return go_on


@pytest.fixture
def old(straight, tmp_path):
    """The checkpoint as it was before what is asked for was saved."""
    checkpoint = load_checkpoint_file(straight[1] / 'epoch_1.pth')
    del checkpoint['meta']['training']
    torch.save(checkpoint, tmp_path / 'old.pth')
    return tmp_path / 'old.pth'


def log_of(work_dir):
    return next(work_dir.rglob('*.log')).read_text()


OPTIMIZER = 'optim_wrapper.optimizer'
CHANGES = [
    (dict(optim_wrapper__optimizer__lr=1e-3), f'{OPTIMIZER}.lr 0.002 -> 0.001'),
    (dict(optim_wrapper__optimizer__weight_decay=0.0), f'{OPTIMIZER}.weight_decay 0.0005 -> 0.0'),
    (
        dict(optim_wrapper__optimizer__betas=(0.8, 0.999)),
        rf'{OPTIMIZER}.betas \[0.9, 0.999\] -> \[0.8, 0.999\]',
    ),
    (dict(param_scheduler__1__end=6), r'param_scheduler\[1\].end 3 -> 6'),
    (
        dict(param_scheduler__1__eta_min_ratio=0.5),
        r'param_scheduler\[1\].eta_min_ratio 0.01 -> 0.5',
    ),
    (
        dict(param_scheduler__1__type='PolyLR', param_scheduler__1__eta_min_ratio=None),
        r'param_scheduler\[1\].type CosineAnnealingLR -> PolyLR',
    ),
]


@pytest.mark.parametrize('options, said', CHANGES, ids=lambda value: str(value)[:40])
def test_a_value_that_would_be_overruled_is_refused_with_both(resume, options, said):
    def change(cfg):
        if cfg.param_scheduler[1].type == 'PolyLR':
            cfg.param_scheduler[1].pop('eta_min_ratio')

    with pytest.raises(ValueError, match=f'would overrule the config: .*{said}.*--new-schedule'):
        resume(change, **options)


@pytest.mark.parametrize('options, said', CHANGES[:4:3], ids=lambda value: str(value)[:40])
def test_also_for_a_checkpoint_that_does_not_tell(resume, old, options, said):
    with pytest.raises(ValueError, match=f'would overrule the config: .*{said}'):
        resume(checkpoint=old, **options)


@pytest.mark.slow
def test_a_checkpoint_that_does_not_tell_goes_on_without_a_warning(resume, old, straight, tmp_path):
    resume(checkpoint=old)
    text = log_of(tmp_path / 'resumed')
    assert 'changed since' not in text and 'overrule' not in text
    assert not list(
        differences(
            *(
                load_checkpoint_file(folder / 'epoch_3.pth')
                for folder in (tmp_path / 'resumed', straight[1])
            )
        )
    )


@pytest.mark.parametrize('kind', ['AdamW', 'SGD', 'RMSprop'])
def test_another_optimizer_is_refused(resume, old, kind):
    def change(cfg):
        cfg.optim_wrapper.optimizer = dict(type=kind, lr=2e-3, weight_decay=5e-4)

    with pytest.raises(ValueError, match=f'trained with Adam, but the config has {kind}'):
        resume(change)
    said = 'decoupled_weight_decay False -> True' if kind == 'AdamW' else 'with another optimizer'
    with pytest.raises(ValueError, match=said):
        resume(change, checkpoint=old)


def test_other_parameter_groups_are_refused(resume):
    with pytest.raises(ValueError, match='parameters in 1 groups, that of the config .* network'):
        resume(optim_wrapper__paramwise_cfg=dict(bias_decay_mult=0.0))


def rates(work_dir):
    return {line['step']: line['lr'] for line in load_scalars(work_dir)['train']}


@pytest.mark.slow
def test_a_new_schedule_stands_where_it_would_without_the_stop(straight, resume, tmp_path):
    options = dict(
        optim_wrapper__optimizer__lr=1e-3,
        param_scheduler__1__end=6,
        optim_wrapper__optimizer__weight_decay=0.1,
        train_cfg__max_epochs=4,
    )
    runner = resume(train_cfg__new_schedule=True, **options)
    train(straight[0], tmp_path / 'other', **options)
    first = rates(tmp_path / 'resumed')
    assert first == {step: rate for step, rate in rates(tmp_path / 'other').items() if step > 3}
    assert len(first) == 9 and first[4] != rates(straight[1])[4]
    group = runner.optim_wrapper.param_groups[0]
    assert group['weight_decay'] == 0.1 and group['initial_lr'] == 1e-3
    text = log_of(tmp_path / 'resumed')
    assert f'new_schedule: {OPTIMIZER}.weight_decay 0.0005 -> 0.1; {OPTIMIZER}.lr 0.002' in text
    moments = load_checkpoint_file(straight[1] / 'epoch_1.pth')['optimizer']['state'][0]
    assert moments['step'] == 3 and runner.optim_wrapper.state_dict()['state'][0]['step'] == 12


@pytest.mark.slow
def test_a_new_schedule_that_is_the_old_one_changes_no_bit(resume, straight, tmp_path):
    resume(train_cfg__new_schedule=True)
    assert not list(
        differences(
            *(
                load_checkpoint_file(folder / 'epoch_3.pth')
                for folder in (tmp_path / 'resumed', straight[1])
            )
        )
    )
    assert 'nothing has changed' in log_of(tmp_path / 'resumed')


def test_the_tools_flag(monkeypatch, straight, tmp_path):
    cfg = config(straight[0], tmp_path)
    engine_config.resume(cfg, 'auto', new_schedule=True)
    assert cfg.train_cfg.new_schedule is True
    with pytest.raises(ValueError, match='--new-schedule is for a resumed training'):
        call(monkeypatch, 'train', DEMO, '--work-dir', tmp_path, '--new-schedule')


@pytest.mark.slow
def test_what_is_used_as_the_config_says_is_named(resume, tmp_path):
    resume(train_cfg__max_epochs=4, model__head__loss__terms__center__weight=0.1)
    text = log_of(tmp_path / 'resumed')
    assert (
        'changed since the checkpoint, in effect from here on: '
        'model.head.loss.terms.center.weight 0.005 -> 0.1; train_cfg.max_epochs 3 -> 4'
    ) in text
    assert (tmp_path / 'resumed' / 'epoch_4.pth').is_file()


@pytest.mark.parametrize(
    'options, said',
    [
        (
            dict(train_dataloader__batch_size=12, train_dataloader__batch_sampler__num_instances=4),
            r'iterations of an epoch 3 \(here 2\); images of a batch, of all processes 8 \(here 12\)',
        ),
        (
            dict(train_dataloader__batch_sampler__num_instances=2),
            r'images of an identity in a batch \(K\) 4 \(here 2\)',
        ),
        (
            dict(train_dataloader__batch_sampler__epoch_rule='images'),
            r'epoch rule of the sampler chunks \(here images\)',
        ),
    ],
    ids=['batch', 'K', 'rule'],
)
def test_other_batches_are_refused(resume, options, said):
    with pytest.raises(ValueError, match=rf'other data or batches: .*{said}.*\(load_from without'):
        resume(**options)


@pytest.mark.slow
def test_averaged_weights_are_not_taken_for_trained_ones(straight, resume, tmp_path):
    train(
        straight[0], tmp_path / 'ema', custom_hooks=[dict(type='EMAHook')], train_cfg__max_epochs=1
    )
    with pytest.raises(ValueError, match='is of a training with an EMAHook, whose state_dict is'):
        resume(checkpoint=tmp_path / 'ema' / 'epoch_1.pth')


@pytest.mark.slow
def test_the_hook_under_mmengines_own_loop(straight, tmp_path):
    def change(cfg):
        cfg.train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=9)
        cfg.custom_hooks = [dict(type='reid_fusedloss.ResumeHook')]

    train(straight[0], tmp_path / 'first', change)
    go_on = dict(load_from=str(tmp_path / 'first' / 'epoch_1.pth'), resume=True)
    with pytest.raises(ValueError, match=f'{OPTIMIZER}.lr 0.002 -> 0.001'):
        train(straight[0], tmp_path / 'second', change, optim_wrapper__optimizer__lr=1e-3, **go_on)


@pytest.mark.slow
def test_the_dumped_config_alone_goes_on(straight, tmp_path):
    """A Runner of a user's own, of the config that the run has left."""
    cfg = Config.fromfile(straight[1] / 'synthetic_r18.py')
    cfg.work_dir, cfg.resume = str(tmp_path / 'own'), True
    cfg.load_from = str(straight[1] / 'epoch_1.pth')
    cfg.optim_wrapper.optimizer.lr = 1.0
    with pytest.raises(ValueError, match=f'{OPTIMIZER}.lr 0.002 -> 1.0'):
        Runner.from_cfg(cfg).train()
