"""Two teachers at once: what the student is compared with, and what is refused."""

import copy

import pytest
import torch
from mmengine.registry import MODELS
from torch.nn import functional as F

from tests.distillation.teachers import SIZE, network, write_teacher
from tests.distillation.test_distilled_classifier import LOGITS, RELATION, batch, student

TESTED = dict(RELATION, teacher='embedding')


@pytest.fixture(scope='module')
def teachers(tmp_path_factory):
    """One with BNNeck, one without, which is tested by its pooled feature."""
    folder = tmp_path_factory.mktemp('teachers')
    first = write_teacher(folder / 'first.pth')
    plain = network(head='LinearReIDHead')
    torch.manual_seed(1)
    torch.save(dict(state_dict=MODELS.build(plain).state_dict()), folder / 'plain.pth')
    return [first, dict(config=plain, checkpoint=str(folder / 'plain.pth'), input_size=SIZE)]


def predicted(source, images):
    """What a test of the network compares, from images normalised by its own preprocessor."""
    model = MODELS.build(source['config'])
    model.load_state_dict(torch.load(source['checkpoint'], weights_only=True)['state_dict'])
    samples = model.eval()(model.data_preprocessor(dict(inputs=images))['inputs'], mode='predict')
    return torch.stack([sample.embedding for sample in samples])


def test_their_cosines_are_the_mean_of_each_ones(teachers):
    model = student(teachers, dict(relation=TESTED))
    larger = F.interpolate(batch()['inputs'].float(), SIZE, mode='bilinear', antialias=True)
    each = [F.normalize(predicted(source, larger)) for source in teachers]
    expected = sum(features @ features.T for features in each) / 2

    images = model.data_preprocessor(batch(), True)['inputs']
    found = model.teacher.tensors(images, ['embedding'])['embedding']
    assert found.shape == (6, 128) and not found.requires_grad
    together = F.normalize(found)
    torch.testing.assert_close(together @ together.T, expected, rtol=1e-4, atol=1e-4)


def test_they_offer_what_all_have(teachers):
    model = student(teachers, dict(relation=TESTED))
    assert model.teacher.sizes == dict(embedding=128, pooled=128)
    with pytest.raises(ValueError, match=r"compares with the teacher's 'bn', .*'embedding'"):
        student(teachers, dict(relation=RELATION))
    with pytest.raises(ValueError, match='several teachers share none'):
        student(teachers, dict(relation=TESTED, logits=LOGITS))


def test_a_change_of_either_is_seen(teachers, tmp_path):
    other = write_teacher(tmp_path / 'other.pth', seed=5)
    fingerprints = {
        student(pair, dict(relation=TESTED)).teacher.fingerprint
        for pair in (teachers, [teachers[0], other], [other, teachers[1]], teachers[::-1])
    }
    assert len(fingerprints) == 4


def test_a_copy_of_the_model_shares_them(teachers):
    model = student(teachers, dict(relation=TESTED))
    assert copy.deepcopy(model).teacher is model.teacher
    assert not [name for name in model.state_dict() if 'teacher' in name]


def test_one_in_a_list_is_refused(teachers):
    with pytest.raises(ValueError, match='model.teacher is a list of 1: give two or more'):
        student(teachers[:1], dict(relation=TESTED))


@pytest.mark.parametrize(
    ('second', 'kind', 'message'),
    [
        ('osnet', TypeError, 'must be a dict'),
        (dict(checkpoint='none.pth'), FileNotFoundError, 'none.pth'),
        (dict(checkpoint='none.pth', size=(64, 32)), ValueError, "nothing reads: .'size'"),
    ],
)
def test_an_error_names_the_entry(teachers, second, kind, message):
    with pytest.raises(kind, match=f'entry 1 of the list model.teacher: .*{message}'):
        student([teachers[0], second], dict(relation=TESTED))
