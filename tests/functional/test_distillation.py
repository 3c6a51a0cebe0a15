"""Distillation losses against naive loops in float64, and their edges."""

import pytest
import torch

from reid_fusedloss.functional.distillation import (
    angle_cosines,
    feature_distillation_loss,
    logit_distillation_loss,
    pair_distances,
    relation_distillation_loss,
)
from tests.oracles import distillation as oracle

torch.manual_seed(0)
STUDENT = torch.randn(6, 5, dtype=torch.float64)
TEACHER = 3 * torch.randn(6, 4, dtype=torch.float64) + 1
SAME = torch.randn(6, 5, dtype=torch.float64)


def value_and_gradient(loss, student):
    student = student.clone().requires_grad_()
    value = loss(student)
    return value.detach(), torch.autograd.grad(value, student)[0]


@pytest.mark.parametrize('weights', [(1.0, 2.0), (25.0, 0.0), (0.0, 1.0)])
def test_relation(weights):
    factors = dict(distance_weight=weights[0], angle_weight=weights[1])
    ours = value_and_gradient(lambda x: relation_distillation_loss(x, TEACHER, **factors), STUDENT)
    theirs = value_and_gradient(lambda x: oracle.relation(x, TEACHER, *weights), STUDENT)
    torch.testing.assert_close(ours, theirs)
    assert theirs[0] > 0.01
    single = relation_distillation_loss(STUDENT.float(), TEACHER.float(), **factors)
    torch.testing.assert_close(single, theirs[0].float(), rtol=1e-5, atol=1e-6)


def test_relation_of_normalised_features():
    units = [x / x.norm(dim=1, keepdim=True) for x in (STUDENT, TEACHER)]
    torch.testing.assert_close(
        relation_distillation_loss(STUDENT, TEACHER, normalize=True), oracle.relation(*units, 1, 2)
    )


def test_relations_of_a_turned_scaled_and_shifted_teacher_are_the_same():
    turn = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64))[0]
    loss = relation_distillation_loss(STUDENT, 7 * STUDENT @ turn + 2)
    assert loss.abs() < 1e-12


@pytest.mark.parametrize('form', ['cosine', 'l2'])
def test_feature(form):
    ours = value_and_gradient(lambda x: feature_distillation_loss(x, SAME, form=form), STUDENT)
    theirs = value_and_gradient(lambda x: oracle.feature(x, SAME, form), STUDENT)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize('temperature', [1.0, 4.0])
def test_logits(temperature):
    ours = value_and_gradient(
        lambda x: logit_distillation_loss(x, SAME, temperature=temperature), STUDENT
    )
    theirs = value_and_gradient(lambda x: oracle.logits(x, SAME, temperature), STUDENT)
    torch.testing.assert_close(ours, theirs)
    parts = [torch.stack([x, x.flip(0)], 1) for x in (STUDENT, SAME)]
    torch.testing.assert_close(logit_distillation_loss(*parts, temperature=temperature), theirs[0])


def test_equal_images_and_few_images_have_finite_gradients():
    twice = torch.cat([STUDENT, STUDENT[:2]])
    value, gradient = value_and_gradient(
        lambda x: relation_distillation_loss(x, torch.cat([TEACHER, TEACHER[:2]])), twice
    )
    assert value.isfinite() and gradient.isfinite().all() and gradient.abs().sum() > 0
    same = value_and_gradient(
        lambda x: relation_distillation_loss(x, TEACHER[:4]), STUDENT[:1].expand(4, -1)
    )
    assert same[0].isfinite() and same[1].isfinite().all()
    for size in (0, 1):
        assert relation_distillation_loss(STUDENT[:size], TEACHER[:size]) == 0
    pair = relation_distillation_loss(STUDENT[:2], TEACHER[:2])
    assert pair.abs() < 1e-12  # the one distance is its own mean
    assert feature_distillation_loss(STUDENT[:0], SAME[:0]) == 0
    assert logit_distillation_loss(STUDENT[:0], SAME[:0], temperature=2.0) == 0


def test_the_fewest_images_that_have_a_loss():
    one, same = STUDENT[:1], SAME[:1]
    for form in ('cosine', 'l2'):
        torch.testing.assert_close(
            feature_distillation_loss(one, same, form=form), oracle.feature(one, same, form)
        )
    assert feature_distillation_loss(one[:, :1], one[:, :1] + 3, form='l2') == 9  # one number
    torch.testing.assert_close(
        logit_distillation_loss(one, same, temperature=2.0), oracle.logits(one, same, 2.0)
    )
    assert logit_distillation_loss(STUDENT[:, :1], SAME[:, :1], temperature=2.0) == 0  # one class
    # two images that only the teacher tells apart: distances 0 and 1, Huber 0.5
    assert relation_distillation_loss(STUDENT[[0, 0]], TEACHER[:2], distance_weight=3.0) == 1.5
    torch.testing.assert_close(
        relation_distillation_loss(STUDENT[:3], TEACHER[:3]),
        oracle.relation(STUDENT[:3], TEACHER[:3], 1, 2),
    )


def test_relations_far_from_the_origin_keep_their_digits():
    """Of more images than the 25 from which on `torch.cdist` would take products."""
    features = 1000 + torch.randn(30, 5)
    exact = features.double()[None] - features.double()[:, None]  # [j, i] is i - j
    distances = pair_distances(features)
    torch.testing.assert_close(distances.double(), exact.norm(dim=-1), rtol=1e-6, atol=0)
    units = torch.nn.functional.normalize(exact, dim=-1)
    cosines = torch.einsum('jic,jkc->jik', units, units)
    torch.testing.assert_close(
        angle_cosines(features, distances).double(), cosines, rtol=0, atol=1e-4
    )


def test_an_angle_at_an_equal_image_is_0():
    equal = STUDENT[[0, 0, 1]]
    cosines = angle_cosines(equal, pair_distances(equal))
    expected = torch.zeros(3, 3, 3, dtype=torch.float64)
    expected[0, 2, 2] = expected[1, 2, 2] = 1
    expected[2, :2, :2] = 1
    torch.testing.assert_close(cosines, expected)


def test_half_precision_is_computed_in_float32():
    with torch.autocast('cpu', torch.bfloat16):
        loss = relation_distillation_loss(STUDENT.bfloat16(), TEACHER.bfloat16())
    assert loss.dtype == torch.float32
    torch.testing.assert_close(
        loss, relation_distillation_loss(STUDENT.bfloat16().float(), TEACHER.bfloat16().float())
    )


@pytest.mark.parametrize('loss', [feature_distillation_loss, relation_distillation_loss])
def test_other_batches_are_refused(loss):
    with pytest.raises(ValueError, match=r'\(6, 5\) and \(4, 4\)'):
        loss(STUDENT, TEACHER[:4])


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r'one shape, got \(6, 5\) and \(6, 4\)'):
        feature_distillation_loss(STUDENT, TEACHER)
    with pytest.raises(ValueError, match=r'expected features \(B, C\) .* \(6, 5, 1\)'):
        feature_distillation_loss(STUDENT[..., None], SAME[..., None])
    with pytest.raises(ValueError, match='the teacher needs the same identities'):
        logit_distillation_loss(STUDENT, TEACHER, temperature=1.0)


def test_the_form_is_the_cosine_unless_another_is_named():
    expected = oracle.feature(STUDENT, SAME, 'cosine')
    torch.testing.assert_close(feature_distillation_loss(STUDENT, SAME), expected)
    with pytest.raises(ValueError, match=r"form must be one of \('cosine', 'l2'\), got 'L2'"):
        feature_distillation_loss(STUDENT, SAME, form='L2')
