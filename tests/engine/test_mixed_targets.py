"""Mixup and CutMix mix the targets too, or are refused."""

import pytest
import torch
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch import nn

from reid_fusedloss.registry import MODELS
from tests.tiny import tiny_config

ID = dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=2.0, label_smoothing=0.1)
TRIPLET = dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=1.0)
AUGMENTS = dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)])
NUM_CLASSES = 3


@MODELS.register_module()
class LabelsAlone(nn.Module):
    """A loss of a user's own without scores."""

    reads = frozenset({'logits'})

    def __init__(self, num_classes, feat_dims):
        super().__init__()

    def forward(self, tensors, labels):
        return dict(loss=nn.functional.cross_entropy(tensors['logits'], labels))


def build(loss, head='BNNeckHead', augments=AUGMENTS, **keys):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type='ImageClassifier',
            data_preprocessor=dict(
                type='ClsDataPreprocessor',
                num_classes=NUM_CLASSES,
                batch_augments=augments and dict(augments),
            ),
            backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8),
            neck=None if head == 'PCBHead' else dict(type='GlobalAveragePooling'),
            head=dict(
                type=f'reid_fusedloss.{head}',
                num_classes=NUM_CLASSES,
                in_channels=64,
                loss=loss,
                **keys,
            ),
        )
    )


def fused(**terms):
    return dict(type='reid_fusedloss.FusedLoss', terms=terms)


def batch(model):
    samples = [DataSample().set_gt_label(i % NUM_CLASSES) for i in range(6)]
    images = torch.randint(0, 256, (6, 3, 64, 32), dtype=torch.uint8)
    return model.data_preprocessor(dict(inputs=images, data_samples=samples), training=True)


def naive(logits, scores, smoothing=0.1):
    """Cross-entropy of a distribution, sample by sample."""
    total = 0.0
    for row, target in zip(logits.double(), scores.double()):
        target = (1 - smoothing) * target + smoothing / len(target)
        total -= sum(target[k] * (row[k] - row.exp().sum().log()) for k in range(len(row)))
    return total / len(logits)


@pytest.mark.parametrize('augment', AUGMENTS['augments'], ids=lambda augment: augment['type'])
def test_terms_on_logits_get_the_mixed_target(augment):
    model = build(fused(id=ID), augments=dict(augments=augment)).train()
    data = batch(model)
    scores = torch.stack([sample.gt_score for sample in data['data_samples']])
    assert (scores.amax(1) < 1).any()
    feats = model.extract_feat(data['inputs'])
    logits = model.head.tensors(model.head.reduced(feats), {'logits'})['logits']
    found = model.head.loss(feats, data['data_samples'])['loss_id']
    assert found.item() == pytest.approx(2 * naive(logits, scores).item(), rel=1e-5)
    labels = torch.cat([sample.gt_label for sample in data['data_samples']])
    assert found.item() != pytest.approx(
        2 * nn.functional.cross_entropy(logits, labels, label_smoothing=0.1).item(), rel=1e-4
    )


def test_each_part_of_a_part_based_head_gets_it():
    part = dict(
        type='reid_fusedloss.PartwiseLoss',
        reads='logits',
        weight=1.0,
        loss=dict(type='torch.nn.CrossEntropyLoss'),
    )
    model = build(fused(id=part), 'PCBHead', num_parts=2, part_dims=4).train()
    data = batch(model)
    scores = torch.stack([sample.gt_score for sample in data['data_samples']])
    feats = model.extract_feat(data['inputs'])
    parts = model.head.tensors(model.head.reduced(feats), {'logits'})['logits']
    expected = sum(naive(part, scores, 0.0).item() for part in parts.unbind(1))
    found = model.head.loss(feats, data['data_samples'])['loss_id']
    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    'loss, words',
    [
        (
            fused(id=ID, triplet=TRIPLET),
            r"terms \['triplet'\] compare samples of one identity each",
        ),
        (dict(type='reid_fusedloss.LabelsAlone'), 'LabelsAlone does not accept `scores`'),
    ],
)
def test_what_cannot_follow_is_refused_in_the_first_mixed_batch(loss, words):
    model = build(loss).train()
    data = batch(model)
    with pytest.raises(ValueError, match=words):
        model.loss(data['inputs'], data['data_samples'])
    for sample in data['data_samples']:  # as `to_onehot` alone makes them
        sample.set_gt_score(torch.eye(NUM_CLASSES)[sample.gt_label[0]])
    one_hot = model.loss(data['inputs'], data['data_samples'])
    for sample in data['data_samples']:
        del sample.gt_score
    plain = model.loss(data['inputs'], data['data_samples'])
    assert one_hot.keys() == plain.keys()
    for name, value in plain.items():
        torch.testing.assert_close(one_hot[name], value)


@pytest.mark.slow
@pytest.mark.parametrize('place', ['data_preprocessor', 'train_cfg'])
def test_a_training(tmp_path, place):
    """The preprocessor gets the number of classes; metric terms are refused before a step."""
    cfg = tiny_config(
        tmp_path / 'data', tmp_path / 'work', train_cfg__max_epochs=1, train_cfg__val_interval=2
    )
    cfg.default_hooks.pop('report')
    if place == 'train_cfg':
        cfg.model.train_cfg = AUGMENTS
    else:
        cfg.model.data_preprocessor.batch_augments = AUGMENTS
    with pytest.raises(ValueError, match='Mixup or CutMix mixes several: keep terms'):
        Runner.from_cfg(cfg).train()
    assert not list((tmp_path / 'work').glob('*.pth'))
    cfg.model.head.loss.terms = dict(id=dict(ID))
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.model.data_preprocessor.num_classes == 6 and runner.iter == 3
    cfg.model.data_preprocessor.num_classes = 7
    with pytest.raises(ValueError, match='data_preprocessor.num_classes=7, but the head has 6'):
        Runner.from_cfg(cfg).train()
