import pytest
import torch
from mmengine import Config
from mmengine.registry import DefaultScope
from torch.nn import functional as F

from reid_fusedloss import logs
from reid_fusedloss.losses import FusedLoss
from reid_fusedloss.registry import MODELS
from tests.losses.fused import CENTER, CIRCLE, ID, TENSORS, TRIPLET, W, X, Y, local


@pytest.fixture
def lines(monkeypatch):
    seen = []
    monkeypatch.setattr(logs, 'print_log', lambda text, logger: seen.append(text))
    return seen


def test_weighted_terms():
    fused = FusedLoss(dict(circle=CIRCLE, triplet=TRIPLET, center=CENTER, id=ID))
    fused.terms['center'].centers.copy_(W)
    losses = fused(TENSORS, Y)
    golden = dict(
        loss_circle=102.622658,
        loss_triplet=2 * 3.390565,
        loss_center=0.005 * 9.184361,
        loss_id=5.569924,
    )
    assert {k: v.item() for k, v in losses.items()} == pytest.approx(golden, rel=1e-5)
    assert fused.reads == frozenset({'cosines', 'pooled', 'logits'})


@pytest.mark.parametrize('scope', ['mmpretrain', 'reid_fusedloss', 'mmengine'])
def test_types_resolve_from_any_scope(scope):
    mmpretrain = dict(
        type='mmpretrain.LabelSmoothLoss',
        reads='logits',
        weight=1.0,
        label_smooth_val=0.1,
        num_classes=6,
        mode='original',
    )
    with DefaultScope.overwrite_default_scope(scope):
        fused = MODELS.build(
            dict(
                type='reid_fusedloss.FusedLoss', terms=dict(circle=CIRCLE, id=ID, smooth=mmpretrain)
            )
        )
    losses = fused(TENSORS, Y)
    torch.testing.assert_close(losses['loss_id'], losses['loss_smooth'])


def test_child_config_switches_off_and_deletes(tmp_path, lines):
    (tmp_path / 'parent.py').write_text(
        f'loss = dict(terms=dict(circle={CIRCLE}, center={CENTER}))'
    )
    (tmp_path / 'off.py').write_text(
        "_base_ = 'parent.py'\nloss = dict(terms=dict(center=dict(weight=0)))"
    )
    (tmp_path / 'other.py').write_text(
        f"_base_ = 'parent.py'\nloss = dict(terms=dict(_delete_=True, id={ID}))"
    )
    off = FusedLoss(**Config.fromfile(tmp_path / 'off.py').loss)
    other = FusedLoss(**Config.fromfile(tmp_path / 'other.py').loss)
    assert list(off(TENSORS, Y)) == ['loss_circle'] and off.reads == {'cosines'}
    assert list(other(TENSORS, Y)) == ['loss_id']
    assert lines == [
        'FusedLoss = 1 * circle(CircleLoss of cosines); center has weight 0 and is left out',
        'FusedLoss = 1 * id(CrossEntropyLoss of logits)',
    ]


def test_log_and_repr_show_every_term(lines):
    fused = FusedLoss(dict(circle=CIRCLE, center=CENTER))
    formula = '1 * circle(CircleLoss of cosines) + 0.005 * center(CenterLoss of pooled)'
    assert lines == [f'FusedLoss = {formula}'] and formula in repr(fused)


def test_log_shows_miners_and_each_term_that_is_left_out(lines):
    mined = local('Nested', reads='bn', weight=1.0, distance=local('Distance'))
    mined['miner'] = local('Miner', distance=local('Distance'))
    FusedLoss(dict(a=mined, b=dict(CIRCLE, weight=0), c=dict(CENTER, weight=0)))
    assert lines == [
        'FusedLoss = 1 * a(Nested of bn, mined by Miner); b has weight 0 and is left out; '
        'c has weight 0 and is left out'
    ]


def test_sizes_reach_the_terms_that_take_them_and_do_not_state_them():
    unsized = without(without(CENTER, 'num_classes'), 'feat_dims')
    fused = FusedLoss(dict(unsized=unsized, sized=CENTER, id=ID), num_classes=9, feat_dims=5)
    assert fused.terms['unsized'].centers.shape == (9, 5)
    assert fused.terms['sized'].centers.shape == (6, 8)
    with pytest.raises(TypeError, match="term 'unsized' .*'num_classes' and 'feat_dims'"):
        FusedLoss(dict(unsized=unsized))


def test_config_is_left_as_it_was():
    terms = dict(circle=dict(CIRCLE))
    FusedLoss(terms)
    assert terms == dict(circle=CIRCLE)


def test_centers_are_saved_and_are_no_parameter():
    fused = FusedLoss(dict(center=CENTER))
    assert list(fused.state_dict()) == ['terms.center.centers'] and not list(fused.parameters())


def without(term, key):
    return {k: v for k, v in term.items() if k != key}


@pytest.mark.parametrize(
    'terms, error, message',
    [
        ({}, ValueError, 'needs a term with a weight > 0'),
        (dict(a=dict(CIRCLE, weight=0)), ValueError, 'needs a term with a weight > 0'),
        (
            dict(a=dict(without(CIRCLE, 'weight'), wieght=1.0)),
            ValueError,
            r"lacks \['weight'\]; it has .*'wieght'",
        ),
        (dict(a=dict(CIRCLE, wieght=1.0)), TypeError, "term 'a' .*unexpected keyword.*'wieght'"),
        (dict(a=without(CIRCLE, 'reads')), ValueError, r"lacks \['reads'\]"),
        (dict(a=without(CIRCLE, 'type')), ValueError, r"lacks \['type'\]"),
        (dict(a=dict(CIRCLE, reads='feat')), ValueError, "reads must be one of .*, got 'feat'"),
        (dict(a=dict(CIRCLE, weight=-1)), ValueError, 'weight=-1'),
        (dict(a=dict(CIRCLE, weight=float('nan'))), ValueError, 'weight=nan'),
        (dict(a=dict(CIRCLE, weight='1')), TypeError, "weight='1'"),
        (dict(a=dict(CIRCLE, weight=True)), TypeError, 'weight=True'),
        (dict(a=None), TypeError, 'weight=0 switches a term off'),
        (dict(a=dict(CIRCLE, type=5)), TypeError, 'type=5 must be the name of a loss'),
        ([CIRCLE], TypeError, 'terms must be a dict of dicts'),
        ({'a.b': CIRCLE}, ValueError, "'a.b' must be a plain identifier"),
        (dict(a=dict(CIRCLE, gamma=-1)), ValueError, "term 'a' .*gamma=-1"),
        (
            dict(a=dict(CIRCLE, type='reid_fusedloss.CircelLoss')),
            ValueError,
            "term 'a' .*CircelLoss",
        ),
        (dict(a=dict(type='torch.nn.NoSuchLoss', reads='bn', weight=1)), ValueError, 'NoSuchLoss'),
        (
            dict(a=dict(type='fractions.Fraction', reads='bn', weight=1)),
            TypeError,
            'torch.nn.Module',
        ),
    ],
)
def test_errors_at_construction(terms, error, message):
    with pytest.raises(error, match=message):
        FusedLoss(terms)


def test_tensor_that_the_head_does_not_offer():
    with pytest.raises(ValueError, match=r"'circle' reads 'cosines', .* offers \['pooled'\]"):
        FusedLoss(dict(circle=CIRCLE))(dict(pooled=X), Y)


@pytest.mark.parametrize('size', ['num_classes', 'feat_dims'])
def test_sizes_are_integers(size):
    with pytest.raises(TypeError, match=f"{size}='6' must be an integer"):
        FusedLoss(dict(id=ID), **{size: '6'})


def test_mixed_targets_reach_the_terms_on_logits():
    """As Mixup makes them: each row is of two identities."""
    fused = FusedLoss(dict(id=ID))
    scores = 0.7 * F.one_hot(Y, 6) + 0.3 * F.one_hot(Y.flip(0), 6)
    found = fused(TENSORS, Y, scores)['loss_id']
    expected = F.cross_entropy(TENSORS['logits'], scores, label_smoothing=0.1)
    torch.testing.assert_close(found, expected)
    assert found != fused(TENSORS, Y)['loss_id']
    fused.check_mixed_targets()


def test_mixed_targets_are_refused_where_a_term_compares_samples():
    fused = FusedLoss(dict(id=ID, triplet=TRIPLET))
    whole = F.one_hot(Y, 6).float()
    found = fused(TENSORS, Y, whole)  # of one identity each
    torch.testing.assert_close(found, fused(TENSORS, Y))
    mixed = whole.clone()
    mixed[3] = 0.5 * whole[3] + 0.5 * whole[15]
    with pytest.raises(ValueError, match=r"terms \['triplet'\] compare samples"):
        fused(TENSORS, Y, mixed)
    with pytest.raises(ValueError, match=r"terms \['triplet'\] compare samples"):
        fused.check_mixed_targets()


def test_term_that_returns_no_scalar():
    with pytest.raises(ValueError, match=r"'id' must return a scalar tensor, got shape \(16,\)"):
        FusedLoss(dict(id=dict(ID, reduction='none')))(TENSORS, Y)


@pytest.mark.parametrize(
    'change, error, match',
    [
        (
            dict(gama=64),
            TypeError,
            r"'circle' \(weight 0, reid_fusedloss.CircleLoss\).*'gama'.*gamma",
        ),
        (dict(type='reid_fusedloss.CicleLoss'), ValueError, 'CicleLoss'),
    ],
)
def test_terms_of_weight_0_are_checked_by_name(change, error, match):
    terms = dict(
        id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0),
        circle={
            **dict(
                type='reid_fusedloss.CircleLoss',
                reads='cosines',
                weight=0.0,
                form='class',
                margin=0.35,
                gamma=64,
            ),
            **change,
        },
    )
    with pytest.raises(error, match=match):
        MODELS.build(dict(type='reid_fusedloss.FusedLoss', terms=terms))


def test_terms_of_weight_0_are_not_built():
    state = torch.get_rng_state()
    center = dict(type='reid_fusedloss.CenterLoss', reads='pooled', weight=0.0)
    other = dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0)
    built = MODELS.build(
        dict(
            type='reid_fusedloss.FusedLoss',
            num_classes=5,
            feat_dims=8,
            terms=dict(id=other, center=center),
        )
    )
    assert set(built.terms) == {'id'} and torch.equal(torch.get_rng_state(), state)


SMOOTH = dict(
    type='LabelSmoothLoss', reads='logits', weight=1.0, label_smooth_val=0.1, mode='original'
)


def test_a_type_of_the_default_scope_needs_no_prefix():
    """It gets the sizes, and is checked at weight 0, as with its prefix."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        both = FusedLoss(
            dict(a=SMOOTH, b=dict(SMOOTH, type='mmpretrain.LabelSmoothLoss')), num_classes=6
        )
        assert both.terms['a'].num_classes == both.terms['b'].num_classes == 6
        FusedLoss(dict(a=dict(SMOOTH, weight=0.0), id=ID), num_classes=6)
        with pytest.raises(TypeError, match=r"'a' \(weight 0, LabelSmoothLoss\).*'smooth'"):
            FusedLoss(dict(a=dict(SMOOTH, weight=0.0, smooth=1), id=ID), num_classes=6)
