"""Learning rates of every epoch, against their closed forms."""

import math

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS

from reid_fusedloss.engine.budget import apply_budget, read_budget
from tests.configs.loading import CONFIGS, ROOT, resolve

PEAK = 3.5e-4
ITERATIONS = 3


def paper(epoch):
    """Section 2.1, epochs counted from 0: 3.5e-5 to 3.5e-4 in 10, a tenth at 40 and at 70."""
    if epoch < 10:
        return 3.5e-5 + (3.5e-4 - 3.5e-5) * epoch / 9
    return 3.5e-4 if epoch < 40 else 3.5e-5 if epoch < 70 else 3.5e-6


def bot(epoch):
    """reid-strong-baseline's WarmupMultiStepLR, stepped before epochs that count from 1."""
    step = epoch + 1
    warm_up = 0.01 * (1 - step / 10) + step / 10 if step < 10 else 1
    return PEAK * warm_up * 0.1 ** sum(step >= milestone for milestone in (40, 70))


def rates(cfg):
    """Learning rate at the start of each epoch, with schedulers stepped as MMEngine does."""
    optimizer = torch.optim.SGD(
        [torch.nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr
    )
    schedulers = []
    for scheduler in cfg.param_scheduler:
        scheduler = dict(scheduler, optimizer=optimizer)
        if scheduler.get('convert_to_iter_based'):
            scheduler['epoch_length'] = ITERATIONS
        schedulers.append(PARAM_SCHEDULERS.build(scheduler))
    for _ in range(cfg.train_cfg.max_epochs):
        yield optimizer.param_groups[0]['lr']
        optimizer.step()
        for scheduler in schedulers:
            for _ in range(1 if scheduler.by_epoch else ITERATIONS):
                scheduler.step()


FULL = [
    name
    for name in CONFIGS
    if name.split('/')[0] in ('paper/fusedloss_r50', 'paper', 'bot', 'circle', 'variants')
]


@pytest.mark.parametrize('name', FULL)
def test_learning_rate_of_all_epochs(name):
    expected = bot if name.startswith('bot/') or name == 'variants/schedule_bot' else paper
    found = list(rates(resolve(name)))
    assert found == pytest.approx([expected(epoch) for epoch in range(120)], rel=1e-9)


def test_the_two_schedules_differ_where_they_should():
    assert bot(0) == pytest.approx(3.815e-5) and paper(0) == 3.5e-5
    assert bot(9) == paper(9) == PEAK
    different = [epoch for epoch in range(120) if bot(epoch) != pytest.approx(paper(epoch))]
    assert different == [*range(9), 39, 69]


def cosine(epoch, epochs, peak):
    """A tenth of the peak at the start; from epoch 1 on half a cosine to a hundredth."""
    if epoch == 0:
        return peak / 10
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * (epoch - 1) / (epochs - 1))) / 2)


@pytest.mark.parametrize(
    'budget, epochs, peak',
    [
        ('cpu_synthetic', 24, 2e-3),
        ('cpu_market', 12, PEAK),
        ('cpu_market_subset', 12, PEAK),
        ('cpu_vehicles', 12, PEAK),
    ],
)
def test_a_budget_has_a_cosine(budget, epochs, peak):
    cfg = resolve('paper/fusedloss_r50')
    apply_budget(cfg, read_budget(budget, ROOT / '_base_' / 'budgets'))
    assert cfg.train_cfg.max_epochs == epochs
    # MMEngine's warm-up ends one iteration early, so its cosine starts there
    assert list(rates(cfg)) == pytest.approx(
        [cosine(epoch, epochs, peak) for epoch in range(epochs)], rel=1e-6
    )
