"""Schedules, optimizers and averages of MMEngine: saved, resumed to the bit, tested, extracted."""

import copy
import inspect
from itertools import cycle

import numpy as np
import pytest
from mmengine.optim import scheduler as mmengine_schedulers
from mmengine.registry import OPTIMIZERS, PARAM_SCHEDULERS
from mmengine.runner import Runner

from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences
from reid_fusedloss.engine.testing import check_weights, read_weights
from reid_fusedloss.engine.training.train_loop import seeded
from tests.tiny import tiny_config

pytestmark = pytest.mark.slow

ITERATIONS, EPOCHS = 6, 2
# what a schedule needs beside `by_epoch=False, end=6`
ARGUMENTS = dict(
    ConstantLR=dict(factor=0.5, end=4),
    CosineAnnealingLR=dict(eta_min_ratio=0.1),
    CosineRestartLR=dict(periods=[2, 4], restart_weights=[1, 0.5], eta_min=1e-4),
    ExponentialLR=dict(gamma=0.9),
    LinearLR=dict(start_factor=0.1),
    MultiStepLR=dict(milestones=[2, 4]),
    PolyLR=dict(power=0.9, eta_min=1e-4),
    StepLR=dict(step_size=2),
    OneCycleLR=dict(eta_max=2e-3, total_steps=ITERATIONS),
    ReduceOnPlateauLR=dict(
        by_epoch=True, end=EPOCHS, monitor='reid/mAP', rule='greater', patience=0, threshold=100.0
    ),
)
EMAS = ('ExponentialMovingAverage', 'MomentumAnnealingEMA', 'StochasticWeightAverage')
# they need a closure, sparse gradients, or matrices alone
UNFIT = ('Optimizer', 'LBFGS', 'SparseAdam', 'Muon')


def family(schedule):
    """'LinearLR' of LinearLR, LinearMomentum and LinearParamScheduler."""
    for ending in ('Momentum', 'ParamScheduler'):
        schedule = schedule.replace(ending, 'LR')
    return schedule


SCHEDULES = sorted(
    name
    for name, found in vars(mmengine_schedulers).items()
    if inspect.isclass(found) and name in PARAM_SCHEDULERS
)
OTHERS = sorted(
    name
    for name, found in OPTIMIZERS.module_dict.items()
    if found.__module__.startswith('torch.optim') and name not in UNFIT
)
# a schedule of the momentum needs one; the others take turns
CASES = [
    (schedule, 'SGD' if 'Momentum' in schedule else optimizer, ema)
    for schedule, optimizer, ema in zip(SCHEDULES, cycle(OTHERS), cycle((None, *EMAS)))
]
WHOLE = ('OneCycleLR', 'OneCycleParamScheduler', 'ReduceOnPlateauLR', 'CosineAnnealingLR')


def test_all_are_among_the_cases():
    assert {family(name) for name in SCHEDULES} == set(ARGUMENTS)
    schedules, optimizers, emas = map(set, zip(*CASES))
    assert optimizers == set(OTHERS) and emas == {None, *EMAS} and len(schedules) > 25


@pytest.fixture(scope='module')
def parts(tmp_path_factory):
    """Config of a tiny training, its file, and its two loaders."""
    folder = tmp_path_factory.mktemp('parts')
    cfg = tiny_config(
        folder / 'data', folder / 'unused', train_cfg__max_epochs=EPOCHS, train_cfg__val_interval=9
    )
    cfg.default_hooks.pop('report')
    cfg.default_hooks.checkpoint.save_best = None
    cfg.dump(folder / 'tiny.py')
    loaders = [
        Runner.build_dataloader(loader, seed=0)
        for loader in (seeded(cfg.train_dataloader, 0), cfg.val_dataloader)
    ]
    return cfg, folder / 'tiny.py', loaders


def config_of(case, base, work_dir):
    schedule, optimizer, ema = case
    cfg = copy.deepcopy(base)
    cfg.work_dir = str(work_dir)
    lr = dict(Adadelta=1.0, Rprop=1e-3).get(optimizer, 2e-3)
    cfg.optim_wrapper.optimizer = dict(type=optimizer, lr=lr)
    if optimizer == 'SGD':
        cfg.optim_wrapper.optimizer.momentum = 0.9
    given = dict(dict(type=schedule, by_epoch=False, end=ITERATIONS), **ARGUMENTS[family(schedule)])
    if schedule.endswith('ParamScheduler'):
        given['param_name'] = 'lr'
    cfg.param_scheduler = [given]
    if 'Plateau' in schedule:
        cfg.train_cfg.val_interval = 1
    if ema:
        interval = dict(interval=2) if ema == 'StochasticWeightAverage' else {}
        cfg.custom_hooks = [dict(type='EMAHook', ema_type=ema, **interval)]
    return cfg


def train(cfg, loaders):
    runner = Runner.from_cfg(cfg)
    runner._train_dataloader, runner._val_dataloader = loaders
    runner.train()


@pytest.mark.parametrize('case', CASES, ids=lambda case: '-'.join(map(str, case)))
def test_saved_resumed_tested_extracted(case, parts, tmp_path):
    base, file, loaders = parts
    train(config_of(case, base, tmp_path / 'straight'), loaders)
    cfg = config_of(case, base, tmp_path / 'resumed')
    cfg.load_from, cfg.resume = str(tmp_path / 'straight' / 'epoch_1.pth'), True
    train(cfg, loaders)
    last = [tmp_path / name / 'epoch_2.pth' for name in ('straight', 'resumed')]
    first, second = (load_checkpoint_file(path) for path in last)
    found = list(differences(first, second))
    assert not found, found
    moved = differences(first, load_checkpoint_file(cfg.load_from))
    assert {'optimizer', 'param_schedulers', 'state_dict'} <= {line.split('/')[0] for line in moved}
    if case[0] in WHOLE:
        test_cfg = config_of(case, base, tmp_path / 'test')
        test_cfg.custom_hooks, test_cfg.load_from = [], str(last[1])
        scores = Runner.from_cfg(test_cfg).test()
        assert 0 < scores['reid/mAP'] <= 100
        inferencer = ReIDInferencer(file, last[1], progress=False)
        weights = read_weights(str(last[0]))
        check_weights(inferencer.model, weights)
        image = np.random.default_rng(0).integers(0, 256, (48, 24, 3), dtype=np.uint8)
        extracted = inferencer([image]).features
        inferencer.model.load_state_dict(weights)
        np.testing.assert_array_equal(inferencer([image]).features, extracted)
