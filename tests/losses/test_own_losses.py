"""Losses of one's own, and of pytorch-metric-learning's manner, as terms of the fused loss."""

import pytest
import torch
from torch.nn import functional as F

from reid_fusedloss.losses import FusedLoss
from tests.losses import fused as own
from tests.losses.fused import TENSORS, Miner, Paired, W, X, Y, local


def test_import_path_of_any_module():
    fused = FusedLoss(dict(pml=dict(type=f'{own.__name__}.Paired', reads='bn', weight=3)))
    torch.testing.assert_close(fused(TENSORS, Y)['loss_pml'], 3 * TENSORS['bn'].square().mean())


def test_a_type_may_be_the_class_itself():
    fused = FusedLoss(dict(pml=dict(type=Paired, reads='bn', weight=1)))
    torch.testing.assert_close(fused(TENSORS, Y)['loss_pml'], TENSORS['bn'].square().mean())


def test_parts_of_an_imported_loss_are_built():
    distance = local('Distance', power=2)
    loss = local(
        'Nested',
        reads='bn',
        weight=1.0,
        distance=distance,
        reducers=[distance, 'mean'],
        loss=local('Nested', distance=distance),
    )
    fused = FusedLoss(dict(a=loss), num_classes=6, feat_dims=8)
    term = fused.terms['a']
    assert term.sizes == term.loss.sizes == (6, 8)
    assert term.distance.power == term.reducers[0].power == 2 and term.reducers[1] == 'mean'
    torch.testing.assert_close(fused(TENSORS, Y)['loss_a'], TENSORS['bn'].sum() ** 2)
    assert loss['distance'] == distance  # the config stays as it was


def test_a_miner_goes_to_the_loss_that_takes_it_and_else_before_it():
    miner = local('Miner', distance=local('Distance', power=3))
    keys = dict(reads='bn', weight=1.0, distance=local('Distance'), miner=miner)
    fused = FusedLoss(
        dict(
            a=local('Nested', **keys),
            b=local('WithMiner', **keys),
            off=dict(local('Nested', **keys), weight=0.0),
        )
    )
    assert list(fused.miners) == ['a'] and isinstance(fused.terms['b'].own_miner, Miner)
    losses = fused(TENSORS, Y)
    torch.testing.assert_close(losses['loss_a'], TENSORS['bn'][:3].sum())
    torch.testing.assert_close(losses['loss_b'], TENSORS['bn'].sum())
    with pytest.raises(TypeError, match="'a': miner must be a torch.nn.Module"):
        FusedLoss(dict(a=local('Nested', **{**keys, 'miner': 5})))


def test_a_type_gets_what_it_accepts_not_what_its_parent_does():
    miner = local('Miner', distance=local('Distance', power=3))
    strict = local('Strict', reads='bn', weight=1.0, miner=miner)
    fused = FusedLoss(dict(a=strict, off=dict(strict, weight=0.0)), num_classes=6, feat_dims=8)
    torch.testing.assert_close(fused(TENSORS, Y)['loss_a'], TENSORS['bn'][:3].sum() ** 2)


def test_a_registered_type_builds_its_parts_itself():
    parts = dict(
        type='reid_fusedloss.PartwiseLoss',
        reads='logits',
        weight=1.0,
        loss=dict(type='torch.nn.CrossEntropyLoss'),
    )
    found = FusedLoss(dict(id=parts))(dict(logits=TENSORS['logits'][:, None]), Y)['loss_id']
    torch.testing.assert_close(found, F.cross_entropy(TENSORS['logits'], Y))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_a_term_of_ones_own_computes_in_float32_under_autocast(dtype):
    fused = FusedLoss(dict(own=local('Looking', reads='bn', weight=1.0)))
    inputs = X.clone().requires_grad_()
    with torch.autocast('cpu', dtype=dtype):
        half = inputs @ W.T
        assert half.dtype == dtype
        fused(dict(bn=half), Y)['loss_own'].backward()
    assert fused.terms['own'].dtypes == (torch.float32, torch.float32)
    assert inputs.grad.dtype == torch.float32 and inputs.grad.abs().sum() > 0
