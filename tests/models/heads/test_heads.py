import pytest
import torch
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from torch.nn import functional as F

from reid_fusedloss.functional.cosines import class_cosines


def head(kind='BNNeckHead', reads=('logits',), **options):
    terms = {
        f'term{i}': dict(type='torch.nn.CrossEntropyLoss', reads=read, weight=1.0)
        for i, read in enumerate(reads)
    }
    built = MODELS.build(
        dict(
            type=f'reid_fusedloss.{kind}',
            in_channels=8,
            loss=dict(type='reid_fusedloss.FusedLoss', terms=terms),
            **{'num_classes': 5, **options},
        )
    )
    built.init_weights()
    return built


def samples(labels):
    return [DataSample().set_gt_label(label) for label in labels]


def test_bnneck_is_the_strong_baselines():
    neck = head()
    assert not neck.bn.bias.requires_grad and (neck.bn.bias == 0).all()
    assert neck.bn.weight.requires_grad
    assert neck.classifier.bias is None
    assert neck.classifier.weight.std().item() < 0.002


def test_tensors_by_name():
    neck = head(reads=('logits', 'cosines'))
    pooled = torch.randn(6, 8) * 3 + 1
    neck.train()
    tensors = neck.tensors(pooled, {'logits', 'cosines'})
    bn = (pooled - pooled.mean(0)) / (pooled.var(0, unbiased=False) + 1e-5).sqrt()
    assert torch.allclose(tensors['bn'], bn, atol=1e-5)
    assert torch.allclose(tensors['logits'], bn @ neck.classifier.weight.T, atol=1e-6)
    expected = F.cosine_similarity(bn[:, None], neck.classifier.weight[None], dim=2)
    assert torch.allclose(tensors['cosines'], expected, atol=1e-5)
    assert set(head().tensors(pooled, {'logits'})) == {'pooled', 'bn', 'logits'}


def test_loss_is_the_terms_on_the_labels():
    neck = head().eval()
    pooled, labels = torch.randn(4, 8), [0, 1, 1, 4]
    losses = neck.loss((pooled,), samples(labels))
    logits = neck.bn(pooled) @ neck.classifier.weight.T
    assert set(losses) == {'loss_term0'}
    assert torch.allclose(losses['loss_term0'], F.cross_entropy(logits, torch.tensor(labels)))


@pytest.mark.parametrize(
    'kind, options, before',
    [
        ('BNNeckHead', {}, False),
        ('BNNeckHead', dict(test_feature='pooled'), True),
        ('LinearReIDHead', {}, True),
    ],
)
def test_embedding(kind, options, before):
    neck = head(kind, **options).eval()
    if hasattr(neck, 'bn'):
        neck.bn.running_mean += 1
    pooled = torch.randn(3, 8)
    embeddings = neck((pooled,))
    assert torch.equal(embeddings, pooled) == before
    predicted = neck.predict((pooled,), [DataSample() for _ in range(3)])
    assert torch.equal(torch.stack([s.embedding for s in predicted]), embeddings)


def test_cosines_stay_float32_under_autocast():
    features, weight = torch.randn(4, 64), torch.randn(7, 64)
    exact = F.cosine_similarity(features[:, None].double(), weight[None].double(), dim=2)
    with torch.autocast('cpu', torch.bfloat16):
        found = class_cosines(features, weight)
    assert found.dtype == torch.float32
    assert (found.double() - exact).abs().max() < 1e-6
    zero = torch.zeros(1, 64, requires_grad=True)
    class_cosines(zero, weight).sum().backward()
    assert zero.grad.isfinite().all()


@pytest.mark.parametrize(
    'kind, reads, trained',
    [
        ('BNNeckHead', 'pooled', set()),
        ('BNNeckHead', 'bn', {'bn.weight'}),
        ('BNNeckHead', 'cosines', {'bn.weight', 'classifier.weight'}),
        ('LinearReIDHead', 'pooled', set()),
        ('LinearReIDHead', 'cosines', {'classifier.weight'}),
        ('LinearReIDHead', 'logits', {'classifier.weight', 'classifier.bias'}),
    ],
)
def test_only_what_a_term_reads_is_trained(kind, reads, trained):
    """Or several processes would wait for gradients that never come."""
    neck = head(kind, reads=(reads,))
    assert {name for name, p in neck.named_parameters() if p.requires_grad} == trained
    losses = neck.loss((torch.randn(4, 8, requires_grad=True),), samples([0, 0, 1, 1]))
    losses['loss_term0'].backward()
    assert {name for name, p in neck.named_parameters() if p.grad is not None} == trained


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(kind='LinearReIDHead', reads=('bn',)), ["'bn'", 'LinearReIDHead']),
        (dict(test_feature='logits'), ["'logits'", "'pooled'"]),
    ],
)
def test_errors(options, words):
    with pytest.raises(ValueError) as caught:
        head(**options)
    assert all(word in str(caught.value) for word in words)


def test_a_provisional_head_is_tested_and_not_trained():
    """It takes a checkpoint of any number of identities, and gives the same embedding."""
    trained, provisional = head(), head(num_classes=None)
    assert provisional.num_classes is None
    found = provisional.load_state_dict(trained.state_dict())
    assert not found.missing_keys and not found.unexpected_keys
    feats = (torch.randn(3, trained.in_channels),)
    assert torch.equal(provisional.eval()(feats), trained.eval()(feats))
    with pytest.raises(ValueError, match='num_classes=None: ReIDTrainLoop counts'):
        provisional.loss(feats, [DataSample().set_gt_label(0)] * 3)


@pytest.mark.parametrize('kind', ['BNNeckHead', 'LinearReIDHead'])
def test_reduction_comes_before_everything(kind):
    neck = head(kind, reads=('pooled', 'logits'), embedding_dims=3)
    assert neck.feat_dims == 3 and neck.classifier.weight.shape == (5, 3)
    assert neck.classifier.weight.std() < 0.002 < 0.1 < neck.embedding.weight.std()
    neck.eval()
    pooled, labels = torch.randn(6, 8), [0, 1, 2, 2, 1, 0]
    reduced = pooled @ neck.embedding.weight.T
    if kind == 'BNNeckHead':
        assert torch.allclose(neck((pooled,)), neck.bn(reduced))
        both = head(kind, embedding_dims=3, test_feature=('pooled', 'bn')).eval()
        assert {key: part.shape for key, part in both.embeddings((pooled,)).items()} == {
            'pooled': (6, 3),
            'bn': (6, 3),
        }
    else:
        assert torch.equal(neck((pooled,)), reduced)
    losses = neck.loss((pooled,), samples(labels))
    logits = neck.classifier(neck.bn(reduced) if kind == 'BNNeckHead' else reduced)
    assert torch.allclose(losses['loss_term1'], F.cross_entropy(logits, torch.tensor(labels)))
    assert torch.isclose(
        losses['loss_term0'], F.cross_entropy(reduced, torch.tensor(labels)), rtol=1e-5
    )


def test_terms_are_told_the_reduced_size():
    center = dict(type='reid_fusedloss.CenterLoss', reads='pooled', weight=1.0)
    neck = MODELS.build(
        dict(
            type='reid_fusedloss.BNNeckHead',
            num_classes=5,
            in_channels=8,
            embedding_dims=3,
            loss=dict(type='reid_fusedloss.FusedLoss', terms=dict(center=center)),
        )
    )
    assert neck.loss_module.terms['center'].centers.shape == (5, 3)
    with pytest.raises(ValueError, match='embedding_dims=0'):
        head(embedding_dims=0)


@pytest.mark.parametrize('kind', ['BNNeckHead', 'LinearReIDHead'])
@pytest.mark.parametrize(
    'feature, words',
    [
        (torch.zeros(4, 12), ['in_channels=8', '12 channels', 'model.head.in_channels=12']),
        (torch.zeros(4, 8, 2, 1), ['(4, 8, 2, 1)', 'GlobalAveragePooling']),
        ([torch.zeros(4, 8, 2, 1), torch.zeros(4, 8)], ['a list', 'cls_token']),
    ],
)
def test_a_feature_that_does_not_fit_is_explained(kind, feature, words):
    neck = head(kind)
    for use in (neck, lambda feats: neck.loss(feats, samples([0, 0, 1, 1]))):
        with pytest.raises(ValueError) as caught:
            use((feature,))
        assert all(word in str(caught.value) for word in [kind, *words])
