"""Loss functions: golden values of the peers' code, naive loops in float64, edges."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from reid_fusedloss.functional import losses
from reid_fusedloss.functional.center import center_loss, center_step, class_means
from reid_fusedloss.functional.circle import (
    batch_circle_loss,
    circle_loss,
    class_circle_logits,
    pairwise_cosines,
)
from reid_fusedloss.functional.triplet import batch_hard_triplet_loss, weighted_triplet_loss
from tests.oracles import losses as oracle

X, Y, W = oracle.fixture()
COSINES = F.normalize(X) @ F.normalize(W).T


def circle_class(cosines: Tensor, labels: Tensor, m: float, gamma: float, s: float = 0.0) -> Tensor:
    logits = class_circle_logits(cosines, labels, m, gamma)
    return F.cross_entropy(logits, labels, label_smoothing=s)


def value_and_grad(loss: Callable, inputs: Tensor, *args: object, **kw: object) -> list[Tensor]:
    inputs = inputs.clone().requires_grad_()
    value = loss(inputs, *args, **kw)
    return [value.detach(), torch.autograd.grad(value, inputs)[0]]


@pytest.mark.parametrize(
    'margin, gamma, per_anchor, whole_batch',
    [
        (0.25, 128, 564.768005, 584.028137),
        (0.25, 64, 282.557098, 293.817352),
        (0.25, 256, 1129.223267, 1165.408447),
        (0.35, 64, 274.877106, 286.137360),
    ],
)
def test_circle_pairs_golden(margin, gamma, per_anchor, whole_batch):
    similarity = pairwise_cosines(X.float())
    for loss, golden in ((circle_loss, per_anchor), (batch_circle_loss, whole_batch)):
        assert loss(similarity, Y, margin, gamma).item() == pytest.approx(golden, rel=1e-5)


@pytest.mark.parametrize('margin, gamma, golden', [(0.25, 128, 220.518982), (0.35, 64, 102.622658)])
def test_circle_class_golden(margin, gamma, golden):
    assert circle_class(COSINES.float(), Y, margin, gamma).item() == pytest.approx(golden, rel=1e-5)


@pytest.mark.parametrize(
    'loss, options, golden',
    [
        (batch_hard_triplet_loss, dict(margin=0.3), 3.390565),
        (batch_hard_triplet_loss, dict(margin=None), 3.138054),
        (batch_hard_triplet_loss, dict(normalize=True), 1.680269),
        (batch_hard_triplet_loss, dict(normalize=True, squared=True), 3.840324),
        (weighted_triplet_loss, {}, 2.119610),
    ],
)
def test_triplet_golden(loss, options, golden):
    assert loss(X.float(), Y, **options).item() == pytest.approx(golden, rel=1e-5)


def test_center_golden():
    centers = W.float().requires_grad_()
    features = X.float().requires_grad_()
    value = center_loss(features, Y, centers)
    value.backward()
    assert value.item() == pytest.approx(9.184361, rel=1e-5)
    assert features.grad[0, 0].item() == pytest.approx(-0.0625, rel=1e-5)
    assert (centers.grad[4:] == 0).all() and (centers.grad[:4] != 0).any(1).all()


LABELS = [
    Y.tolist(),
    [0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 0, 1],  # unequal K, two single ones
    [7] * 15 + [9],
]  # 15 with one negative, one alone


@pytest.mark.parametrize('labels', LABELS)
@pytest.mark.parametrize(
    'loss, naive, options',
    [
        (batch_hard_triplet_loss, oracle.triplet_hard, dict(margin=0.3)),
        (batch_hard_triplet_loss, oracle.triplet_hard, dict(margin=None)),
        (batch_hard_triplet_loss, oracle.triplet_hard, dict(margin=0.3, normalize=True)),
        (
            batch_hard_triplet_loss,
            oracle.triplet_hard,
            dict(margin=0.3, normalize=True, squared=True),
        ),
        (weighted_triplet_loss, oracle.triplet_weighted, dict(margin=None)),
        (weighted_triplet_loss, oracle.triplet_weighted, dict(margin=0.3, normalize=True)),
        (weighted_triplet_loss, oracle.triplet_weighted, dict(margin=0.3, squared=True)),
    ],
)
def test_triplet_equals_naive_loop(loss, naive, options, labels):
    got = value_and_grad(loss, X, torch.tensor(labels), **options)
    torch.testing.assert_close(got, value_and_grad(naive, X, labels, **options))


@pytest.mark.parametrize('labels', LABELS)
@pytest.mark.parametrize(
    'loss, naive', [(circle_loss, oracle.circle_anchor), (batch_circle_loss, oracle.circle_batch)]
)
def test_circle_pairs_equal_naive_loop(loss, naive, labels):
    got = value_and_grad(lambda x: loss(pairwise_cosines(x), torch.tensor(labels), 0.25, 64), X)
    expected = value_and_grad(lambda x: naive(oracle.cosines(x, x), labels, 0.25, 64), X)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_circle_class_equals_naive_loop(smoothing):
    got = value_and_grad(circle_class, COSINES, Y, 0.35, 64, smoothing)
    expected = value_and_grad(oracle.circle_class, COSINES, Y.tolist(), 0.35, 64, smoothing)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
def test_center_equals_naive_loop(reduction):
    got = value_and_grad(center_loss, X, Y, W, reduction=reduction)
    torch.testing.assert_close(got, value_and_grad(oracle.center, X, Y.tolist(), W, reduction))


def test_center_sum_is_mean_times_half_the_batch():
    torch.testing.assert_close(center_loss(X, Y, W, reduction='sum'), center_loss(X, Y, W) * 16 / 2)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=9), st.integers(0, 10**6))
def test_any_labels_equal_naive_loop(labels, seed):
    x = torch.randn(len(labels), 5, generator=torch.Generator().manual_seed(seed)).double()
    y = torch.tensor(labels)
    for got, expected in (
        (batch_hard_triplet_loss(x, y), oracle.triplet_hard(x, labels, 0.3)),
        (weighted_triplet_loss(x, y), oracle.triplet_weighted(x, labels)),
        (
            circle_loss(pairwise_cosines(x), y, 0.25, 64),
            oracle.circle_anchor(oracle.cosines(x, x), labels, 0.25, 64),
        ),
        (
            batch_circle_loss(pairwise_cosines(x), y, 0.25, 64),
            oracle.circle_batch(oracle.cosines(x, x), labels, 0.25, 64),
        ),
    ):
        torch.testing.assert_close(got, expected)


FEATURE_LOSSES = {
    'hard': batch_hard_triplet_loss,
    'soft': lambda x, y: batch_hard_triplet_loss(x, y, margin=None),
    'squared': lambda x, y: batch_hard_triplet_loss(x, y, squared=True),
    'weighted': weighted_triplet_loss,
    'anchor': lambda x, y: circle_loss(pairwise_cosines(x), y, 0.25, 256),
    'batch': lambda x, y: batch_circle_loss(pairwise_cosines(x), y, 0.25, 256),
}
features_loss = pytest.mark.parametrize('loss', FEATURE_LOSSES.values(), ids=FEATURE_LOSSES)


@features_loss
@pytest.mark.filterwarnings('ignore:Anomaly Detection')
@pytest.mark.parametrize('labels', [[3] * 16, list(range(16)), [0]])
def test_without_usable_anchor_zero_with_zero_gradient(loss, labels):
    with torch.autograd.detect_anomaly():
        value, grad = value_and_grad(loss, X[: len(labels)], torch.tensor(labels))
    assert value == 0 and (grad == 0).all()


@features_loss
def test_equal_features_have_finite_gradient(loss):
    value, grad = value_and_grad(loss, torch.ones(16, 8), Y)
    assert value.isfinite() and grad.isfinite().all()


def test_equal_features_hinge_is_the_margin():
    value, grad = value_and_grad(batch_hard_triplet_loss, torch.ones(16, 8), Y, margin=0.3)
    assert value.item() == pytest.approx(0.3) and (grad == 0).all()


@features_loss
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_inputs_are_upcast(loss, dtype):
    x = (300 * X).to(dtype)  # the sum of squares overflows float16
    value, grad = value_and_grad(loss, x, Y)
    assert value.dtype == torch.float32 and grad.dtype == dtype and grad.isfinite().all()
    torch.testing.assert_close(value, loss(x.float(), Y), rtol=0, atol=0)


@features_loss
def test_autocast_changes_nothing(loss):
    x = X.float().requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(x, Y)
    inside = [value.detach(), torch.autograd.grad(value, x)[0]]
    torch.testing.assert_close(inside, value_and_grad(loss, X.float(), Y), rtol=0, atol=0)


def test_class_form_and_center_in_half_and_autocast():
    with torch.autocast('cpu', dtype=torch.bfloat16):
        logits = class_circle_logits(COSINES.half(), Y, 0.25, 256)
        center = center_loss(X.half(), Y, W.half())
        rows = center_step(X.float(), Y, W.float(), lr=0.5)
    assert logits.dtype == center.dtype == rows.dtype == torch.float32
    torch.testing.assert_close(
        logits, class_circle_logits(COSINES.half().float(), Y, 0.25, 256), rtol=0, atol=0
    )
    torch.testing.assert_close(rows, center_step(X.float(), Y, W.float(), lr=0.5), rtol=0, atol=0)


def test_circle_at_cosines_of_zero():
    labels = torch.arange(64) // 4
    value = circle_loss(torch.zeros(64, 64), labels, 0.25, 128)
    expected = 128 * (1 - 2 * 0.25**2) + torch.log(torch.tensor(3.0 * 60))
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)


def test_mining_survives_a_common_offset():
    """Features far from the origin, as before BN: the chosen pairs must still be the hardest."""
    x = X.float() + 3000
    expected = oracle.triplet_hard(x.double(), Y.tolist(), 0.3)
    assert batch_hard_triplet_loss(x, Y).item() == pytest.approx(expected.item(), rel=1e-5)


def test_weighted_distances_survive_a_common_offset():
    """Of more than 25 rows PyTorch takes them from products, unless it is told not to."""
    x, labels = torch.cat([X, X.flip(0)]).float() + 3000, [*Y.tolist(), *Y.flip(0).tolist()]
    found = weighted_triplet_loss(x, torch.tensor(labels))
    expected = oracle.triplet_weighted(x.double(), labels)
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.int32])
def test_labels_of_any_integer_type(dtype):
    assert batch_hard_triplet_loss(X, Y.to(dtype)) == batch_hard_triplet_loss(X, Y)
    assert center_loss(X, Y.to(dtype), W) == center_loss(X, Y, W)
    assert (
        class_circle_logits(COSINES, Y.to(dtype), 0.25, 64)
        == class_circle_logits(COSINES, Y, 0.25, 64)
    ).all()


def test_center_step_wen():
    rows = center_step(X, Y, W, lr=0.5, update='wen')
    torch.testing.assert_close(rows, oracle.wen_step(X, Y.tolist(), W, 0.5)[Y])


def test_center_step_sgd_is_a_gradient_step_on_the_mean_form():
    _, grad = value_and_grad(lambda c: center_loss(X, Y, c), W)
    torch.testing.assert_close(center_step(X, Y, W, lr=0.3), (W - 0.3 * grad)[Y])


def test_center_step_of_one_sample():
    torch.testing.assert_close(
        center_step(X[:1], Y[:1], W, lr=0.25), W[Y[:1]] + 2 * 0.25 * (X[:1] - W[Y[:1]])
    )


@pytest.mark.parametrize('update', ['sgd', 'wen'])
def test_center_step_leaves_out_what_is_not_finite(update):
    poisoned = X.clone()
    poisoned[0, 3], poisoned[4:8] = torch.inf, torch.nan  # one of class 0, all of class 1
    kept = poisoned.isfinite().all(1)
    rows = center_step(poisoned, Y, W, lr=0.5, update=update)
    expected = W.clone()
    expected[Y[kept]] = center_step(X[kept], Y[kept], W, lr=0.5, update=update)
    torch.testing.assert_close(rows, expected[Y])


def test_class_means():
    means = class_means(X, torch.tensor([9, 2] * 8))
    torch.testing.assert_close(means, torch.stack([X[::2].mean(0), X[1::2].mean(0)] * 8))
    poisoned = X.clone()
    poisoned[2, 0], poisoned[1::2] = torch.inf, torch.nan
    means = class_means(poisoned, torch.tensor([9, 2] * 8))
    torch.testing.assert_close(means[::2], X[[0, *range(4, 16, 2)]].mean(0).expand(8, -1))
    assert means[1::2].isnan().all()


def test_rows_of_a_class_have_the_same_bits():
    random = torch.Generator().manual_seed(0)
    features = torch.randn(203, 37, generator=random)
    labels = torch.randint(50, (203,), generator=random)
    first = [labels.tolist().index(label) for label in labels.tolist()]
    for rows in (
        class_means(features, labels),
        center_step(features, labels, torch.zeros(50, 37), lr=0.5),
    ):
        assert torch.equal(rows, rows[first])


def test_labels_are_checked_without_waiting(monkeypatch):
    """As on a CUDA device, where the error comes later; on a CPU it comes at once."""
    monkeypatch.setattr(losses, '_checks_without_waiting', lambda device: True)
    monkeypatch.setattr(Tensor, 'tolist', None)
    losses.check_class_labels(Y, 4)
    for labels in (Y + 1, Y - 1, Y.to(torch.int32) - 1):
        with pytest.raises(RuntimeError, match='a label is outside 0..3: the tensor has 4 classes'):
            losses.check_class_labels(labels, 4)


def test_only_a_cuda_device_is_not_waited_for():
    assert losses._checks_without_waiting(torch.device('cuda:0'))
    assert not losses._checks_without_waiting(torch.device('cpu'))


@pytest.mark.parametrize(
    'call, error, message',
    [
        (lambda: batch_hard_triplet_loss(X, Y[:3]), ValueError, r'\(16, 8\) and \(3,\)'),
        (lambda: batch_hard_triplet_loss(X, Y.float()), TypeError, 'integers'),
        (lambda: weighted_triplet_loss(X.long(), Y), TypeError, 'floating point'),
        (lambda: circle_loss(X, Y, 0.25, 64), ValueError, r'\(B, B\), got \(16, 8\)'),
        (lambda: circle_loss(X @ X.T, Y.float(), 0.25, 64), TypeError, 'integers'),
        (
            lambda: class_circle_logits(COSINES, Y + 3, 0.25, 64),
            ValueError,
            'label 6 is outside 0..5',
        ),
        (
            lambda: class_circle_logits(COSINES, Y - 1, 0.25, 64),
            ValueError,
            'label -1 is outside 0..5',
        ),
        (lambda: center_loss(X, Y - 1, W), ValueError, 'label -1'),
        (lambda: center_loss(X, Y, W[:, 1:]), ValueError, r'\(6, 7\)'),
        (lambda: center_loss(X, Y, W[0]), ValueError, r'do not fit centers of shape \(8,\)'),
        (lambda: center_loss(X, Y[:1], W), ValueError, r'\(16, 8\) and \(1,\)'),
        (lambda: center_step(X, Y + 3, W, lr=0.5), ValueError, 'label 6 is outside 0..5'),
        (lambda: class_means(X, Y[:1]), ValueError, r'\(16, 8\) and \(1,\)'),
        (lambda: batch_circle_loss(X, Y, 0.25, 64), ValueError, r'\(B, B\), got \(16, 8\)'),
        (
            lambda: center_loss(X, Y, W, reduction='none'),
            ValueError,
            "reduction must be .*, got 'none'",
        ),
        (
            lambda: center_step(X, Y, W, lr=0.5, update='adam'),
            ValueError,
            "update must be .*, got 'adam'",
        ),
    ],
)
def test_errors_name_the_value(call, error, message):
    with pytest.raises(error, match=message):
        call()
