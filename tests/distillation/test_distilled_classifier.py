"""A frozen teacher beside a model: what it computes, where it is not, and what is refused."""

import copy

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from torch.nn import functional as F

from tests.configs.loading import changes, parent, resolve
from tests.distillation.teachers import ID, NUM_IDS, SIZE, network, write_teacher

RELATION = dict(type='reid_fusedloss.RelationDistillation', reads='bn', weight=1.0)
LOGITS = dict(type='reid_fusedloss.LogitDistillation', reads='logits', weight=1.0, temperature=4.0)
IMAGENET = dict(
    type='ClsDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    return write_teacher(tmp_path_factory.mktemp('teacher') / 'teacher.pth')


def student(teacher, terms=None, **keys):
    config = network(terms=terms or dict(id=ID, relation=RELATION), **keys)
    config.update(type='reid_fusedloss.DistilledClassifier', teacher=teacher)
    config['data_preprocessor'] = IMAGENET
    torch.manual_seed(3)
    return MODELS.build(config)


def batch():
    return dict(
        inputs=torch.randint(
            0, 256, (6, 3, 48, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
        ),
        data_samples=[DataSample().set_gt_label(number // 2) for number in range(6)],
    )


def test_the_teacher_sees_the_batch_as_its_own_pipeline_would_show_it(teacher):
    """Its own normalisation, channel order and size, of raw pixels."""
    model = student(teacher)
    alone = MODELS.build(teacher['config'])
    alone.load_state_dict(torch.load(teacher['checkpoint'], weights_only=True)['state_dict'])
    alone.eval()
    raw = batch()['inputs'].float()
    larger = F.interpolate(raw, SIZE, mode='bilinear', antialias=True)
    expected = alone(alone.data_preprocessor(dict(inputs=larger))['inputs'], mode='tensor')
    images = model.data_preprocessor(batch(), True)['inputs']
    found = model.teacher.tensors(images, ['bn', 'logits'])
    torch.testing.assert_close(found['bn'], expected, rtol=1e-4, atol=1e-4)
    assert list(found) == ['bn', 'logits'] and not found['bn'].requires_grad
    sizes = dict(embedding=64, pooled=64, bn=64, logits=NUM_IDS, cosines=NUM_IDS)
    assert model.teacher.sizes == sizes


def test_the_teacher_is_no_part_of_the_model_and_stays_as_it_is(teacher):
    model = student(teacher)
    plain = network(terms=dict(id=ID, relation=RELATION))
    torch.manual_seed(3)
    without = MODELS.build({**plain, 'data_preprocessor': IMAGENET})
    assert list(model.state_dict()) == list(without.state_dict())
    for name, value in without.state_dict().items():  # the student starts as without a teacher
        assert torch.equal(value, model.state_dict()[name]), name
    names = {name for name, _ in model.named_modules()}
    assert not [name for name in names if 'teacher' in name]
    average = ExponentialMovingAverage(model)
    assert average.module.teacher is model.teacher is copy.deepcopy(model).teacher
    model.train()
    inner = model.teacher.model
    before, fingerprint = copy.deepcopy(inner.state_dict()), model.teacher.fingerprint
    for _ in range(2):
        losses = model(**model.data_preprocessor(batch(), True), mode='loss')
        sum(losses.values()).backward()
    assert set(losses) == {'loss_id', 'loss_relation'}
    assert not any(part.training for part in inner.modules())
    assert all(weight.grad is None for weight in inner.parameters())
    assert all(torch.equal(before[name], value) for name, value in inner.state_dict().items())
    assert student(teacher).teacher.fingerprint == fingerprint


def test_the_loss_is_that_of_the_tensors(teacher):
    model = student(teacher)
    model.train()
    data = model.data_preprocessor(batch(), True)
    with torch.autocast('cpu', torch.bfloat16):
        half = model(**data, mode='loss')
    again = student(teacher).train()(**data, mode='loss')
    assert half['loss_relation'].dtype == torch.float32
    torch.testing.assert_close(half['loss_relation'], again['loss_relation'], rtol=0.1, atol=0.01)
    assert again['loss_relation'] > 0.01


def test_a_provisional_head_is_checked_when_it_is_filled(teacher):
    model = student(teacher, dict(id=ID, logits=LOGITS), num_classes=None)
    for number in (NUM_IDS, 5):
        model.head = student(None, dict(id=ID, logits=LOGITS), num_classes=number).head
        if number == NUM_IDS:
            model.check_teacher()
            continue
        with pytest.raises(
            ValueError, match="'logits': the teacher has 6 identities, the student 5"
        ):
            model.check_teacher()


def test_a_network_of_the_package_brings_its_config():
    """MobileNetV2 at 128x64 with 1,280 values; without a classifier."""
    source = dict(checkpoint='reid_fusedloss://mobilenetv2_market1501')
    feature = dict(
        type='reid_fusedloss.FeatureDistillation', reads='bn', weight=1.0, teacher_dims=1280
    )
    model = student(source, dict(feature=feature))
    assert model.teacher.input_size == (128, 64)
    assert model.teacher.sizes == dict(embedding=1280, pooled=1280, bn=1280)
    with pytest.raises(ValueError, match=r"\['logits'\] of the teacher, but .* has no classifier"):
        student(source, dict(id=ID, logits=LOGITS))
    with pytest.raises(ValueError, match='64 values, the teacher.s 1280: set teacher_dims=1280'):
        student(source, dict(feature={**feature, 'teacher_dims': None}))
    with pytest.raises(FileNotFoundError, match='did you mean .*mobilenetv2_market1501'):
        student(dict(checkpoint='reid_fusedloss://mobilnetv2_market1501'))


MISTAKES = [
    (dict(checkpont='x'), ValueError, r"keys that nothing reads: \['checkpont'\]"),
    (dict(checkpoint=None), TypeError, 'model.teacher.checkpoint must be a path'),
    (dict(checkpoint='nowhere.pth'), FileNotFoundError, 'no checkpoint at nowhere.pth'),
    (dict(config=None), ValueError, 'model.teacher.config is missing: name the config of'),
    (dict(config='no_such_config'), FileNotFoundError, 'no config at no_such_config'),
    (dict(config=3), TypeError, 'model.teacher.config must be a path or the dict of a model'),
    (dict(config=dict(type='ImageClassifier')), ValueError, 'has no model with a head'),
    (dict(config='zoo/mobilenetv2_market1501'), ValueError, 'model.teacher: .* does not fill'),
    (dict(input_size=None), ValueError, r'model.teacher.input_size must be \(H, W\)'),
    (dict(input_size=(0, 32)), ValueError, 'input_size=0 must be >= 1'),
]


@pytest.mark.parametrize('change, error, match', MISTAKES, ids=lambda value: str(value)[:30])
def test_mistakes_are_found_at_construction(teacher, change, error, match):
    with pytest.raises(error, match=match) as caught:
        student({**teacher, **change})
    assert '\n' not in str(caught.value)


def test_terms_and_teacher_go_together(teacher):
    with pytest.raises(ValueError, match='no term of the loss compares with it: add one'):
        student(teacher, dict(id=ID))
    with pytest.raises(TypeError, match="must be a dict with `checkpoint`, .* got 'x'"):
        student('x')


def test_a_head_without_named_tensors_is_refused(tmp_path):
    theirs = network()
    theirs['head'] = dict(type='LinearClsHead', num_classes=NUM_IDS, in_channels=64)
    torch.save(dict(state_dict=MODELS.build(theirs).state_dict()), tmp_path / 'theirs.pth')
    source = dict(config=theirs, checkpoint=str(tmp_path / 'theirs.pth'), input_size=SIZE)
    with pytest.raises(ValueError, match='LinearClsHead has no named tensors to compare with'):
        student(source)


@pytest.mark.parametrize('name', ['feature', 'relation'])
def test_the_configs_are_the_student_and_their_term(name):
    config = f'distillation/student_{name}'
    assert parent(config) == 'distillation/student_alone'
    found = changes(config, 'distillation/student_alone')
    term = found.pop(f'model.head.loss.terms.{name}')
    assert term['type'] == f'reid_fusedloss.{name.title()}Distillation'
    assert found == {
        'model.type': 'reid_fusedloss.DistilledClassifier',
        'model.teacher': dict(checkpoint='reid_fusedloss://mobilenetv2_market1501'),
    }
    term_of_both = resolve('distillation/student_both').model.head.loss.terms[name]
    assert term_of_both.to_dict() == term


def test_the_config_with_two_teachers():
    """Its losses are those of the zoo's OSNet and of the students beside it."""
    found = changes('distillation/osnet_two_teachers', 'zoo/osnet_x0_25_market1501')
    terms = resolve('distillation/student_both').model.head.loss.terms
    for name, size in (('feature', 1024), ('relation', None)):
        expected = dict(terms[name], teacher='embedding')
        if size:
            expected['teacher_dims'] = size
        assert found.pop(f'model.head.loss.terms.{name}') == expected
    assert len(found.pop('model.teacher')) == 2
    assert found.pop('param_scheduler')[1]['end'] == 24
    assert found == {
        'model.type': 'reid_fusedloss.DistilledClassifier',
        'load_from': 'reid_fusedloss://osnet_x0_25_market1501',
        'train_cfg.max_epochs': 24,
        'train_cfg.val_interval': 8,
    }


def test_the_config_of_the_packages_mobilenetv2():
    """Its losses are those of the zoo's config and of the students beside it."""
    found = changes('distillation/mobilenetv2_osnet', 'zoo/mobilenetv2_market1501')
    terms = resolve('distillation/student_both').model.head.loss.terms
    for name, size in (('feature', dict(teacher_dims=512)), ('relation', {})):
        assert found.pop(f'model.head.loss.terms.{name}') == dict(terms[name], **size)
    assert found == {
        'model.type': 'reid_fusedloss.DistilledClassifier',
        'model.teacher': dict(checkpoint='reid_fusedloss://osnet_x0_25_distilled_market1501'),
    }
