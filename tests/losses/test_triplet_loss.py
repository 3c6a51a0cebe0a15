import logging

import pytest
import torch

from reid_fusedloss import logs
from reid_fusedloss.functional.triplet import batch_hard_triplet_loss, weighted_triplet_loss
from reid_fusedloss.losses import TripletLoss
from reid_fusedloss.registry import MODELS
from tests.oracles import losses as oracle

X, Y, _ = oracle.fixture()


@pytest.fixture
def lines(monkeypatch):
    """Log lines (text, level) of the module."""
    seen = []
    monkeypatch.setattr(logs, 'print_log', lambda text, logger, level: seen.append((text, level)))
    return seen


@pytest.mark.parametrize(
    'mining, function', [('hard', batch_hard_triplet_loss), ('weighted', weighted_triplet_loss)]
)
@pytest.mark.parametrize(
    'options',
    [
        dict(margin=None),
        dict(margin=0.3, normalize=True),
        dict(margin=0.3, normalize=True, squared=True),
    ],
)
def test_module_is_the_function(mining, function, options):
    module = MODELS.build(dict(type='reid_fusedloss.TripletLoss', mining=mining, **options))
    assert module(X, Y) == function(X, Y, **options)


@pytest.mark.parametrize('squared', [False, True])
def test_collapse_is_said_once(lines, squared):
    module = TripletLoss(squared=squared)
    for _ in range(102):  # two checks
        module(torch.ones(16, 8) + 1e-6 * X.float(), Y)
    assert len(lines) == 1
    text, level = lines[0]
    assert level == logging.WARNING and '100% of the anchors' in text and '\n' not in text


@pytest.mark.parametrize('squared', [False, True])
def test_collapse_is_judged_by_the_euclidean_distance(lines, squared):
    module = TripletLoss(squared=squared)
    module(torch.eye(16, 8) * 0.01, Y)  # half of the rows have theirs at .01, half at 0
    assert lines == []
    TripletLoss(squared=squared)(torch.eye(16, 8) * 0.0005, Y)
    assert len(lines) == 1


def test_collapse_is_looked_for_in_the_first_step_and_every_100th_after_it(lines):
    module = TripletLoss()
    module(X, Y)
    module.eval()
    module(torch.ones(16, 8), Y)
    module.train()
    for _ in range(99):
        module(torch.ones(16, 8), Y)
    assert lines == []
    module(torch.ones(16, 8), Y)
    assert len(lines) == 1


@pytest.mark.parametrize('mining', ['hard', 'weighted'])
def test_only_looks_wait_for_the_device(mining):
    """Tensors on the device `meta` have no values: asking for one, or for a count, is an error."""
    module = TripletLoss(mining=mining)
    module(X, Y)
    value = module(X.to('meta').requires_grad_(), Y.to('meta'))
    value.backward()
    assert value.shape == () and value.device.type == 'meta'


def test_no_warning_without_collapse(lines):
    one_pair = X.clone()
    one_pair[4] = one_pair[0]  # 2 of 16 anchors
    TripletLoss()(X, Y)
    TripletLoss()(torch.ones(4, 8), torch.zeros(4, dtype=torch.long))  # no anchor is usable
    TripletLoss()(one_pair, Y)
    TripletLoss().eval()(torch.ones(16, 8), Y)
    assert lines == []


def test_margin_0_is_a_margin():
    assert TripletLoss(margin=0)(X, Y) == batch_hard_triplet_loss(X, Y, margin=0)


@pytest.mark.parametrize('name', ['normalize', 'squared'])
def test_flags_are_flags(name):
    with pytest.raises(TypeError, match=f"{name}='no' must be True or False"):
        TripletLoss(**{name: 'no'})


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(margin=-0.1), 'margin=-0.1'),
        (dict(margin=float('nan')), 'margin=nan'),
        (dict(mining='easy'), "mining must be 'hard' or 'weighted', got 'easy'"),
    ],
)
def test_errors_at_construction(options, message):
    with pytest.raises(ValueError, match=message):
        TripletLoss(**options)
