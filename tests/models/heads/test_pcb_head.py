"""PCB against a loop over parts in plain torch."""

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch.nn import functional as F

from reid_fusedloss.engine.testing import adopt_identities, read_weights
from reid_fusedloss.models import PartwiseLoss
from tests.configs.loading import ROOT
from tests.tiny import tiny_config

PARTWISE = dict(
    type='reid_fusedloss.PartwiseLoss',
    reads='logits',
    weight=1.0,
    loss=dict(type='torch.nn.CrossEntropyLoss'),
)
TRIPLET = dict(type='reid_fusedloss.TripletLoss', reads='bn', weight=1.0)
CENTER = dict(type='reid_fusedloss.CenterLoss', reads='pooled', weight=1.0, init='zeros')
B, C, D, P, N = 4, 8, 5, 3, 7


def head(terms=None, **options):
    options = dict(dict(num_classes=N, in_channels=C, num_parts=P, part_dims=D), **options)
    loss = dict(type='reid_fusedloss.FusedLoss', terms=terms or dict(id=PARTWISE))
    built = MODELS.build(dict(type='reid_fusedloss.PCBHead', loss=loss, **options))
    torch.manual_seed(0)
    built.init_weights()
    return built


def maps(height=6, requires_grad=False):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(B, C, height, 2, generator=generator).requires_grad_(requires_grad)


def samples(labels=(0, 0, 1, 1)):
    return [DataSample().set_gt_label(label) for label in labels]


def stripe(feature_map, part):
    """Mean over the rows of one of three stripes of a map of six rows, (B, C)."""
    rows = feature_map[:, :, 2 * part : 2 * part + 2]
    return sum(rows[:, :, y, x] for y in range(2) for x in range(2)) / 4


def reduced(built, feature_map, part):
    """One stripe after 1x1 convolution, BN with its running statistics and ReLU, (B, D)."""
    _, conv, bn, _ = built.reduction
    values = stripe(feature_map, part) @ conv.weight[:, :, 0, 0].T
    scaled = (values - bn.running_mean) / (bn.running_var + bn.eps).sqrt()
    return (scaled * bn.weight + bn.bias).clamp(min=0)


def with_statistics(built):
    """A head in test mode whose BN is not the identity and whose classifiers are not nearly 0."""
    bn = built.reduction[2]
    for value in (bn.running_mean, bn.bias.data):
        value.copy_(torch.linspace(-0.3, 0.4, D))
    for value in (bn.running_var, bn.weight.data):
        value.copy_(torch.linspace(0.5, 2, D))
    for classifier in built.classifier:
        classifier.weight.data.normal_()
        classifier.bias.data.normal_()
    return built.eval()


def test_tensors_are_those_of_a_loop_over_parts():
    built, feature_map = with_statistics(head()), maps()
    tensors = built.tensors(feature_map, {'pooled', 'bn', 'logits'})
    assert {name: tuple(t.shape) for name, t in tensors.items()} == dict(
        pooled=(B, P * C), bn=(B, P * D), logits=(B, P, N)
    )
    for part in range(P):
        h = reduced(built, feature_map, part)
        classifier = built.classifier[part]
        expected = h @ classifier.weight.T + classifier.bias
        torch.testing.assert_close(
            tensors['pooled'][:, part * C : (part + 1) * C], stripe(feature_map, part)
        )
        torch.testing.assert_close(tensors['bn'][:, part * D : (part + 1) * D], h)
        torch.testing.assert_close(tensors['logits'][:, part], expected)
    assert set(built.tensors(feature_map, {'pooled'})) == {'pooled'}


def test_loss_is_the_sum_over_parts():
    built, feature_map = with_statistics(head()), maps()
    labels = [0, 6, 2, 2]
    losses = built.loss((feature_map,), samples(labels))
    expected = sum(
        F.cross_entropy(
            built.classifier[part](reduced(built, feature_map, part)), torch.tensor(labels)
        )
        for part in range(P)
    )
    assert set(losses) == {'loss_id'}
    torch.testing.assert_close(losses['loss_id'], expected)


@pytest.mark.parametrize('test_feature, size', [('pooled', C), ('bn', D)])
def test_embedding_is_made_of_unit_parts(test_feature, size):
    built, feature_map = with_statistics(head(test_feature=test_feature)), maps()
    found = built((feature_map,)).view(B, P, size)
    for part in range(P):
        expected = (
            stripe(feature_map, part)
            if test_feature == 'pooled'
            else reduced(built, feature_map, part)
        )
        length = expected.norm(dim=1, keepdim=True).clamp(min=1e-9)  # h may be all zeros
        torch.testing.assert_close(found[:, part], expected / length)
    predicted = built.predict((feature_map,))
    assert torch.equal(torch.stack([s.embedding for s in predicted]), found.flatten(1))


def test_both_features_of_one_extraction():
    built = with_statistics(head(test_feature=('bn', 'pooled')))
    sample = built.predict((maps(),))[0]
    assert {name: len(value) for name, value in sample.embeddings.items()} == dict(
        bn=P * D, pooled=P * C
    )
    assert torch.equal(sample.embedding, sample.embeddings['bn'])


def test_stripes_overlap_where_the_height_does_not_divide():
    """Eight rows in six stripes, the map of a 128x64 image: two rows each, by hand."""
    feature_map = torch.arange(8.0).view(1, 1, 8, 1)
    pooled = head(in_channels=1, num_parts=6).tensors(feature_map, {'pooled'})['pooled']
    assert pooled.tolist() == [[0.5, 1.5, 2.5, 4.5, 5.5, 6.5]]


@pytest.mark.parametrize(
    'terms, trained',
    [
        (dict(id=PARTWISE), {'reduction', 'classifier'}),
        (dict(triplet=TRIPLET), {'reduction'}),
        (dict(center=CENTER), set()),
        (dict(id=PARTWISE, triplet=TRIPLET, center=CENTER), {'reduction', 'classifier'}),
    ],
)
def test_only_what_a_term_reads_is_trained(terms, trained):
    """And of that, every parameter, by every row of the map."""
    built = head(terms)
    names = {name for name, p in built.named_parameters() if p.requires_grad}
    assert {name.split('.')[0] for name in names} == trained
    feature_map = maps(requires_grad=True)
    losses = built.loss((feature_map,), samples())
    assert set(losses) == {f'loss_{name}' for name in terms}
    sum(losses.values()).backward()
    assert {name for name, p in built.named_parameters() if p.grad is not None} == names
    assert all(p.grad.abs().sum() > 0 for p in built.parameters() if p.grad is not None)
    assert (feature_map.grad.abs().sum(dim=(0, 1, 3)) > 0).all()


def test_a_part_reaches_its_own_classifier_alone():
    built = head()
    logits = built.tensors(maps(), {'logits'})['logits']
    F.cross_entropy(logits[:, 1], torch.tensor([0, 0, 1, 1])).backward()
    moved = [classifier.weight.grad.abs().sum() > 0 for classifier in built.classifier]
    assert moved == [False, True, False]


def test_centres_are_of_all_parts():
    losses = head(dict(center=CENTER)).loss((maps(),), samples())
    features = torch.cat([stripe(maps(), part) for part in range(P)], dim=1)
    torch.testing.assert_close(losses['loss_center'], features.square().sum(1).mean())


def test_starts_as_the_authors():
    built = head(in_channels=64, part_dims=256, num_classes=50)
    for classifier in built.classifier:
        assert 0.0009 < classifier.weight.std() < 0.0011 and (classifier.bias == 0).all()
    conv = built.reduction[1].weight
    assert conv.shape == (256, 64, 1, 1)
    assert conv.std().item() == pytest.approx((2 / 256) ** 0.5, rel=0.05)  # He et al., fan out


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(num_parts=0), ['num_parts=0']),
        (dict(part_dims=0), ['part_dims=0']),
        (dict(dropout=1.0), ['dropout=1.0']),
        (dict(test_feature='logits'), ["'logits'", "'pooled'"]),
        (dict(test_feature=()), ['()', "'pooled'"]),
        (dict(in_channels=0), ['in_channels=0']),
        (dict(terms=dict(id=dict(PARTWISE, reads='cosines'))), ["'cosines'", 'PCBHead']),
    ],
)
def test_errors_at_construction(options, words):
    with pytest.raises(ValueError) as caught:
        head(**options)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    'feature_map, words',
    [
        (torch.zeros(2, C, 2, 4), ['height 2', '3 stripes', 'num_parts']),
        (torch.zeros(2, C + 1, 6, 2), [f'in_channels={C}', f'{C + 1} channels']),
        (torch.zeros(2, C), [f'(2, {C})', 'neck=None']),
    ],
)
def test_errors_at_first_use(feature_map, words):
    built = head()
    for use in (built, lambda feats: built.loss(feats, samples([0, 1]))):
        with pytest.raises(ValueError) as caught:
            use((feature_map,))
        assert all(word in str(caught.value) for word in words)


def test_a_partwise_loss_needs_parts_and_a_module():
    with pytest.raises(ValueError, match=r'num_parts.*\(4, 7\)'):
        PartwiseLoss(dict(type='torch.nn.CrossEntropyLoss'))(torch.zeros(B, N), torch.arange(B))
    with pytest.raises(TypeError, match='torch.nn.Module'):
        PartwiseLoss(dict(type='collections.OrderedDict'))


@pytest.mark.slow
@pytest.mark.parametrize('name, feature_dims', [('pcb', 3 * 64), ('trinet', 64)])
def test_trains_and_tests_through_the_runner(name, feature_dims, tmp_path, monkeypatch):
    """A map of 3x2; the checkpoint is tested without a training set."""
    monkeypatch.setenv('REID_DATASET', 'synthetic')
    parts = dict(model__head__num_parts=3) if name == 'pcb' else {}
    options = dict(
        parts, model__backbone__depth=18, model__backbone__init_cfg=None, train_cfg__max_epochs=1
    )
    config = str(ROOT / 'peers' / f'{name}.py')
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', config, **options)
    del cfg.default_hooks.report
    runner = Runner.from_cfg(cfg)
    runner.train()
    trained = runner.message_hub.get_scalar('val/reid/mAP').current()
    checkpoint = str(tmp_path / 'work' / 'epoch_1.pth')
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'test', config, load_from=checkpoint, **options)
    cfg.model.head.num_classes = None
    adopt_identities(cfg, read_weights(checkpoint))
    assert cfg.model.head.num_classes == 6
    del cfg.default_hooks.report
    runner = Runner.from_cfg(cfg)
    scores = runner.test()
    assert scores['reid/mAP'] == pytest.approx(trained, abs=1e-9)
    assert 0 < scores['rerank/mAP'] <= 100
    assert runner.model(torch.rand(2, 3, 48, 24), mode='tensor').shape == (2, feature_dims)
