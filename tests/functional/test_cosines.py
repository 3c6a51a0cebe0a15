"""Cosines of features and classes: values, gradients, and what autograd of the formula gives."""

import pytest
import torch
from torch.nn import functional as F

from reid_fusedloss.functional.cosines import class_cosines
from tests.oracles import losses as oracle

X, _, W = oracle.fixture()


def test_values_are_the_naive_loops():
    torch.testing.assert_close(class_cosines(X, W), oracle.cosines(X, W))


@pytest.mark.parametrize('learnt', [(True, True), (True, False), (False, True)])
def test_gradients_are_the_naive_loops(learnt):
    weights = torch.cos(torch.arange(96, dtype=torch.float64)).view(16, 6)
    found = []
    for cosines in (class_cosines, oracle.cosines):
        inputs = [given.clone().requires_grad_(learns) for given, learns in zip((X, W), learnt)]
        value = (weights * cosines(*inputs)).sum()
        found.append(torch.autograd.grad(value, [given for given in inputs if given.requires_grad]))
    torch.testing.assert_close(*found)


def test_gradients_by_finite_differences():
    inputs = [X[:5].clone().requires_grad_(), W[:3].clone().requires_grad_()]
    assert torch.autograd.gradcheck(class_cosines, inputs)


def test_zero_rows_have_cosine_zero_and_finite_gradients():
    features, rows = X.clone(), W.clone()
    features[2], rows[1] = 0, 0
    inputs = [features.float().requires_grad_(), rows.float().requires_grad_()]
    cosines = class_cosines(*inputs)
    assert (cosines[2] == 0).all() and (cosines[:, 1] == 0).all()
    for gradient in torch.autograd.grad(cosines.sum(), inputs):
        assert gradient.isfinite().all()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_inputs_and_autocast(dtype):
    features, rows = X.to(dtype).requires_grad_(), W.float().requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        cosines = class_cosines(features, rows)
    assert cosines.dtype == torch.float32
    expected = F.normalize(features.float()) @ F.normalize(rows).T
    torch.testing.assert_close(cosines, expected)
    gradients = torch.autograd.grad(cosines.square().sum(), [features, rows])
    assert [gradient.dtype for gradient in gradients] == [dtype, torch.float32]
    torch.testing.assert_close(gradients[1], torch.autograd.grad(expected.square().sum(), rows)[0])


def test_nothing_waits_for_the_device():
    features, rows = (
        torch.empty(size, device='meta', requires_grad=True) for size in ((16, 8), (6, 8))
    )
    class_cosines(features, rows).sum().backward()
    assert features.grad.shape == (16, 8) and rows.grad.shape == (6, 8)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r'\(16, 8\) and \(6, 7\)'):
        class_cosines(X, W[:, 1:])
