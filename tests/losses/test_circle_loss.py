import pytest
import torch
from torch.nn import functional as F

from reid_fusedloss.functional import losses
from reid_fusedloss.losses import CircleLoss
from reid_fusedloss.registry import MODELS
from tests.oracles import losses as oracle

X, Y, W = oracle.fixture()
COSINES = F.normalize(X) @ F.normalize(W).T


@pytest.mark.parametrize(
    'form, golden', [('anchor', 564.768005), ('batch', 584.028137), ('class', 220.518982)]
)
def test_golden(form, golden):
    module = MODELS.build(dict(type='reid_fusedloss.CircleLoss', form=form, margin=0.25, gamma=128))
    value = module(COSINES if form == 'class' else X, Y)
    assert value.item() == pytest.approx(golden, rel=1e-5)


def test_label_smoothing():
    got = CircleLoss('class', margin=0.35, gamma=64, label_smoothing=0.1)(COSINES, Y)
    expected = oracle.circle_class(COSINES, Y.tolist(), 0.35, 64, 0.1)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize('form', ['anchor', 'batch', 'class'])
def test_float16_gamma_256(form):
    inputs = (COSINES if form == 'class' else 300 * X).half().requires_grad_()
    value = CircleLoss(form, margin=0.25, gamma=256)(inputs, Y)
    value.backward()
    assert value.dtype == torch.float32 and value.isfinite() and inputs.grad.isfinite().all()


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(form='pair'), "form must be one of .*, got 'pair'"),
        (dict(margin=1.0), 'margin=1.0'),
        (dict(margin=-1.0), 'margin=-1.0'),
        (dict(margin=float('nan')), 'margin=nan'),
        (dict(gamma=0), 'gamma=0'),
        (dict(gamma=float('inf')), 'gamma=inf'),
        (dict(label_smoothing=1.0), 'label_smoothing=1.0'),
        (dict(form='anchor', label_smoothing=0.1), 'label_smoothing=0.1 has no meaning'),
        (dict(form='batch', label_smoothing=0.1), 'label_smoothing=0.1 has no meaning'),
    ],
)
def test_errors_at_construction(options, message):
    with pytest.raises(ValueError, match=message):
        CircleLoss(**{**dict(form='class', margin=0.25, gamma=64), **options})


@pytest.mark.parametrize('name', ['margin', 'gamma', 'label_smoothing'])
def test_numbers_are_numbers(name):
    with pytest.raises(TypeError, match=f"{name}='0.1' must be a number"):
        CircleLoss(**{**dict(form='class', margin=0.25, gamma=64), name: '0.1'})


def test_a_small_scale_is_allowed():
    got = CircleLoss('anchor', margin=0.25, gamma=0.5)(X, Y)
    torch.testing.assert_close(
        got, oracle.circle_anchor(oracle.cosines(X, X), Y.tolist(), 0.25, 0.5)
    )


def test_margin_and_gamma_have_no_default():
    with pytest.raises(TypeError, match="'margin' and 'gamma'"):
        CircleLoss('class')


@pytest.mark.parametrize(
    'form, inputs, labels, message',
    [
        (
            'class',
            5 * COSINES / COSINES.abs().max(),
            Y,
            r"reads='cosines'; got a value of magnitude 5",
        ),
        ('class', COSINES, Y + 3, "reads='cosines'; label 6 is outside 0..5"),
        ('class', COSINES, Y - 1, 'label -1 is outside'),
        ('class', COSINES[:4], Y, r'\(4, 6\) and \(16,\)'),
        ('anchor', X[:, :, None], Y, r"reads='bn' or 'pooled'; got shape \(16, 8, 1\)"),
    ],
)
def test_errors_in_forward(form, inputs, labels, message):
    with pytest.raises(ValueError, match=message):
        CircleLoss(form, margin=0.25, gamma=64)(inputs, labels)


@pytest.mark.parametrize('form', ['anchor', 'batch', 'class'])
def test_only_looks_wait_for_the_device(form, monkeypatch):
    """Tensors on the device `meta` have no values: asking for one, or for a count, is an error."""
    monkeypatch.setattr(losses, '_checks_without_waiting', lambda device: True)
    module = CircleLoss(form, margin=0.25, gamma=64)
    module((COSINES if form == 'class' else X), Y)
    inputs = torch.empty(16, 16, device='meta', requires_grad=True)
    value = module(inputs, Y.to('meta'))
    value.backward()
    assert value.shape == () and value.device.type == 'meta'


@pytest.mark.parametrize('bad', [1.1, -1.1])
def test_cosines_are_looked_at_in_the_first_forward_and_every_100th_after_it(bad):
    module = CircleLoss('class', margin=0.25, gamma=64)
    module(COSINES, Y)
    wrong = COSINES.clone()
    wrong[3, 2] = bad
    for _ in range(99):
        module(wrong, Y)
    with pytest.raises(ValueError, match="reads='cosines'; got a value of magnitude 1.1"):
        module(wrong, Y)


def test_cosines_rounded_in_bfloat16_pass():
    one = torch.ones(2, 3, dtype=torch.bfloat16) + torch.finfo(torch.bfloat16).eps
    assert CircleLoss('class', margin=0.25, gamma=64)(one, torch.tensor([0, 1])).isfinite()
