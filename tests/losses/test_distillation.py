"""Terms that compare with a teacher, in the fused loss."""

import pytest
import torch
from torch import nn

from reid_fusedloss.losses import FusedLoss
from reid_fusedloss.losses.distillation import (
    FeatureDistillation,
    LogitDistillation,
    RelationDistillation,
)
from tests.oracles import distillation as oracle

torch.manual_seed(1)
LABELS = torch.arange(6) // 2
TENSORS = dict(pooled=torch.randn(6, 5), bn=torch.randn(6, 5), logits=torch.randn(6, 3))
TEACHER = dict(pooled=torch.randn(6, 4), bn=torch.randn(6, 5), logits=torch.randn(6, 3))
FEATURE = dict(type='reid_fusedloss.FeatureDistillation', reads='bn', weight=2.0)
RELATION = dict(type='reid_fusedloss.RelationDistillation', reads='bn', weight=3.0)
LOGITS = dict(type='reid_fusedloss.LogitDistillation', reads='logits', weight=0.5, temperature=4.0)
TRIPLET = dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=1.0)


class Own(nn.Module):
    """A term of a user's own, that compares with the teacher and with the labels."""

    def forward(self, features, labels, teacher):
        return (features.sum() - teacher.sum()) * labels.sum()


def test_terms_get_the_teachers_tensor_of_the_same_name_or_of_the_key():
    own = dict(type=f'{__name__}.Own', reads='pooled', weight=1.0)
    fused = FusedLoss(
        dict(
            feature=FEATURE,
            relation=dict(RELATION, teacher='pooled'),
            logits=LOGITS,
            own=own,
            triplet=TRIPLET,
        ),
        num_classes=3,
        feat_dims=5,
    )
    assert fused.teacher_reads == dict(
        feature='bn', relation='pooled', logits='logits', own='pooled'
    )
    assert "3 * relation(RelationDistillation of bn and the teacher's pooled)" in repr(fused)
    losses = fused(TENSORS, LABELS, teacher=TEACHER)
    expected = dict(
        loss_feature=2 * oracle.feature(TENSORS['bn'], TEACHER['bn'], 'cosine'),
        loss_relation=3 * oracle.relation(TENSORS['bn'], TEACHER['pooled'], 1, 2),
        loss_logits=0.5 * oracle.logits(TENSORS['logits'], TEACHER['logits'], 4.0),
        loss_own=6 * (TENSORS['pooled'].sum() - TEACHER['pooled'].sum()),  # 6: sum of the labels
    )
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, rtol=1e-4, atol=1e-5)
    assert (
        losses['loss_triplet'] == FusedLoss(dict(triplet=TRIPLET))(TENSORS, LABELS)['loss_triplet']
    )


def test_terms_pass_their_settings_on():
    student, teacher = TENSORS['bn'], TEACHER['bn']
    units = [x / x.norm(dim=1, keepdim=True) for x in (student, teacher)]
    for found, expected in (
        (FeatureDistillation(form='l2'), oracle.feature(student, teacher, 'l2')),
        (RelationDistillation(25.0, 0.5), oracle.relation(student, teacher, 25, 0.5)),
        (RelationDistillation(normalize=True), oracle.relation(*units, 1, 2)),
        (LogitDistillation(0.5), oracle.logits(student, teacher, 0.5)),
    ):
        torch.testing.assert_close(found(student, LABELS, teacher), expected, rtol=1e-4, atol=1e-5)


def test_other_sizes_are_projected_and_the_projection_learns():
    fused = FusedLoss(dict(feature=dict(FEATURE, teacher='pooled', teacher_dims=4)), feat_dims=5)
    assert list(fused.state_dict()) == ['terms.feature.projection']
    fused(TENSORS, LABELS, teacher=TEACHER)['loss_feature'].backward()
    projection = fused.terms['feature'].projection
    assert projection.shape == (4, 5) and projection.grad.abs().sum() > 0
    fused.check_teacher(dict(pooled=4))
    with pytest.raises(
        ValueError, match="'feature': teacher_dims=4, .* 8 values: set teacher_dims=8"
    ):
        fused.check_teacher(dict(pooled=8))
    with pytest.raises(ValueError, match=r'feat_dims=5\) got features of shape \(2, 7\)'):
        fused.terms['feature'](torch.zeros(2, 7), None, torch.zeros(2, 4))


def test_a_teacher_of_another_kind_is_refused():
    fused = FusedLoss(dict(feature=FEATURE, logits=LOGITS), num_classes=3, feat_dims=5)
    fused.check_teacher(dict(bn=5, logits=3))
    with pytest.raises(
        ValueError, match="'feature': the student's .* 5 values, the teacher's 512: set"
    ):
        fused.check_teacher(dict(bn=512, logits=3))
    with pytest.raises(ValueError, match="'logits': the teacher has 751 identities, the student 3"):
        fused.check_teacher(dict(bn=5, logits=751))
    with pytest.raises(
        ValueError, match=r"'feature' compares with the teacher's 'bn', .* \['pooled'\]"
    ):
        fused.check_teacher(dict(pooled=5))


def test_without_a_teacher_the_error_says_where_to_set_one():
    with pytest.raises(ValueError, match="no teacher: set model.type='reid_fusedloss.DistilledCl"):
        FusedLoss(dict(feature=FEATURE))(TENSORS, LABELS)


@pytest.mark.parametrize(
    'term, error, match',
    [
        (dict(FEATURE, teacher='bm'), ValueError, "'a': teacher must be one of .*, got 'bm'"),
        (
            dict(TRIPLET, teacher='bn'),
            ValueError,
            "'a': .*TripletLoss does not compare with a teac",
        ),
        (dict(FEATURE, form='l1'), ValueError, "form must be 'cosine' or 'l2', got 'l1'"),
        (dict(FEATURE, teacher_dims=8), TypeError, 'teacher_dims needs feat_dims'),
        (dict(FEATURE, teacher_dims=0, feat_dims=5), ValueError, 'teacher_dims=0 must be >= 1'),
        (dict(FEATURE, teacher_dims=8, feat_dims=0), ValueError, 'feat_dims=0 must be >= 1'),
        (
            dict(FEATURE, teacher_dims=2**30, feat_dims=2**30),
            ValueError,
            'teacher_dims=1073741824 x feat_dims=1073741824 are .* lower one',
        ),
        (dict(RELATION, distance_weight='1'), TypeError, "distance_weight='1' must be a number"),
        (dict(RELATION, distance_weight=-1), ValueError, 'distance_weight=-1 must be >= 0'),
        (dict(RELATION, angle_weight=-1), ValueError, 'angle_weight=-1 must be >= 0'),
        (dict(RELATION, angle_weight=0, distance_weight=0), ValueError, 'both 0'),
        (dict(RELATION, normalize='yes'), TypeError, "normalize='yes' must be True or False"),
        (dict(LOGITS, temperature='4'), TypeError, "temperature='4' must be a number"),
        (dict(LOGITS, temperature=0), ValueError, 'temperature=0 must be > 0'),
    ],
)
def test_errors_at_construction(term, error, match):
    with pytest.raises(error, match=match):
        FusedLoss(dict(a=term))


def test_mixed_images_need_no_labels():
    """The teacher sees the mixed images too; a term that compares people does not go with them."""
    scores = torch.full((6, 3), 1 / 3)
    fused = FusedLoss(dict(feature=FEATURE, relation=RELATION, logits=LOGITS))
    assert len(fused(TENSORS, LABELS, scores, TEACHER)) == 3
    with pytest.raises(ValueError, match=r"the terms \['triplet'\] compare samples"):
        FusedLoss(dict(feature=FEATURE, triplet=TRIPLET))(TENSORS, LABELS, scores, TEACHER)


def test_the_projection_is_no_linear_layer_of_the_head():
    """A head starts its linear layers at N(0, 0.001); here values keep their size."""
    term = FeatureDistillation(feat_dims=64, teacher_dims=32)
    assert not [part for part in term.modules() if isinstance(part, nn.Linear)]
    assert term.projection.std().item() == pytest.approx(64**-0.5, rel=0.1)
