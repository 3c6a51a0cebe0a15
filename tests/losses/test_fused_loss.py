import pytest
import torch
from mmengine import Config
from mmengine.registry import DefaultScope
from torch import nn
from torch.nn import functional as F

from reid_fusedloss import logs
from reid_fusedloss.losses import FusedLoss
from reid_fusedloss.registry import MODELS
from tests.oracles import losses as oracle

X, Y, W = oracle.fixture()
X, W = X.float(), W.float()
TENSORS = dict(
    pooled=X, bn=X - X.mean(0), logits=1.5 * X @ W.T, cosines=F.normalize(X) @ F.normalize(W).T
)
CIRCLE = dict(
    type='reid_fusedloss.CircleLoss',
    reads='cosines',
    weight=1.0,
    form='class',
    margin=0.35,
    gamma=64,
)
TRIPLET = dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=2.0)
CENTER = dict(
    type='reid_fusedloss.CenterLoss', reads='pooled', weight=0.005, num_classes=6, feat_dims=8
)
ID = dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0, label_smoothing=0.1)


@pytest.fixture
def lines(monkeypatch):
    seen = []
    monkeypatch.setattr(logs, 'print_log', lambda text, logger: seen.append(text))
    return seen


class Paired(nn.Module):
    """In the manner of pytorch-metric-learning: embeddings and labels, further arguments unused."""

    def forward(self, embeddings, labels, indices_tuple=None, ref_emb=None, ref_labels=None):
        return embeddings.square().mean()


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


def test_import_path_of_any_module():
    fused = FusedLoss(dict(pml=dict(type=f'{__name__}.Paired', reads='bn', weight=3)))
    torch.testing.assert_close(fused(TENSORS, Y)['loss_pml'], 3 * TENSORS['bn'].square().mean())


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


def test_a_type_may_be_the_class_itself():
    fused = FusedLoss(dict(pml=dict(type=Paired, reads='bn', weight=1)))
    torch.testing.assert_close(fused(TENSORS, Y)['loss_pml'], TENSORS['bn'].square().mean())


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


class Distance:
    def __init__(self, power=1):
        self.power = power


class Miner(nn.Module):
    """In the manner of pytorch-metric-learning: indices of what a loss is to look at."""

    def __init__(self, distance):
        super().__init__()
        self.distance = distance

    def forward(self, embeddings, labels):
        return torch.arange(self.distance.power)


class Base(nn.Module):
    def __init__(self, num_classes=None, embedding_size=None, distance=None, reducers=()):
        super().__init__()
        self.sizes, self.distance, self.reducers = (num_classes, embedding_size), distance, reducers


class Nested(Base):
    """Hands keywords on to its parent, and takes other parts ready made."""

    def __init__(self, loss=None, **kwargs):
        super().__init__(**kwargs)
        self.loss = loss

    def forward(self, embeddings, labels, indices_tuple=None):
        kept = embeddings if indices_tuple is None else embeddings[indices_tuple]
        return kept.sum() ** self.distance.power


class WithMiner(Nested):
    def __init__(self, miner, **kwargs):
        super().__init__(**kwargs)
        self.own_miner = miner


def local(name, **keys):
    return dict(type=f'{__name__}.{name}', **keys)


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


class Strict(Base):
    """Hands no keywords on: it takes no sizes, whatever its parent takes."""

    def __init__(self, power=2):
        super().__init__(num_classes=0)
        self.power = power

    def forward(self, embeddings, labels, indices_tuple=None):
        kept = embeddings if indices_tuple is None else embeddings[indices_tuple]
        return kept.sum() ** self.power


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


class Looking(nn.Module):
    def forward(self, tensor, labels):
        self.dtypes = tensor.dtype, (tensor @ tensor.T).dtype
        return tensor.sum()


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
