"""A term over the samples of all processes is the term of one process with all samples."""

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from reid_fusedloss.losses import FusedLoss
from reid_fusedloss.losses import gather as gathering
from tests.ranks import run_ranks, run_threads

RANKS, BATCH = 2, 8
TERMS = dict(
    triplet=dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=1.0, gather=True),
    soft=dict(
        type='reid_fusedloss.TripletLoss',
        reads='pooled',
        weight=0.5,
        margin=None,
        mining='weighted',
        gather=True,
    ),
    anchor=dict(
        type='reid_fusedloss.CircleLoss',
        reads='pooled',
        weight=0.3,
        form='anchor',
        margin=0.25,
        gamma=32,
        gather=True,
    ),
    batch=dict(
        type='reid_fusedloss.CircleLoss',
        reads='pooled',
        weight=0.1,
        form='batch',
        margin=0.25,
        gamma=32,
        gather=True,
    ),
    relation=dict(
        type='reid_fusedloss.RelationDistillation', reads='pooled', weight=2.0, gather=True
    ),
    center=dict(type='reid_fusedloss.CenterLoss', reads='pooled', weight=0.1),
    id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0),
)


class Net(nn.Module):
    def __init__(self, terms):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 8))
        self.classifier = nn.Linear(8, 8)
        self.loss = FusedLoss(terms, num_classes=8, feat_dims=8)

    def forward(self, inputs, labels):
        pooled = self.layers(inputs)
        tensors = dict(pooled=pooled, logits=self.classifier(pooled))
        return self.loss(tensors, labels, teacher=dict(pooled=inputs[:, :5]))


def make(terms):
    torch.manual_seed(0)
    inputs = torch.randn(3, RANKS * BATCH, 12)
    labels = torch.arange(8).repeat_interleave(2)
    return Net(terms), inputs, labels[torch.randperm(16)]


def train(net, inputs, labels):
    """Losses of each step, and the gradients and weights after the last."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    values = []
    for batch in inputs:
        optimizer.zero_grad()
        losses = net(batch, labels)
        sum(losses.values()).backward()
        optimizer.step()
        values.append({name: value.item() for name, value in losses.items()})
    named = {name.removeprefix('module.'): value for name, value in net.named_parameters()}
    return dict(
        values=values,
        gradients={name: value.grad for name, value in named.items()},
        weights={name: value.detach() for name, value in named.items()},
    )


def run_rank(rank, world, folder):
    own = slice(rank * BATCH, (rank + 1) * BATCH)
    results = {}
    for gather in (True, False):
        net, inputs, labels = make(
            {
                name: {**term, 'gather': term.get('gather', False) and gather}
                for name, term in TERMS.items()
            }
        )
        results[gather] = train(DistributedDataParallel(net), inputs[:, own], labels[own])
    net, inputs, labels = make(TERMS)
    for size in (4 + rank, 4):
        try:
            net.loss._gather['triplet'](inputs[0, :size], labels[:size])
        except ValueError as error:
            results[f'error {size}'] = str(error)
    net.loss._gather['anchor'](inputs[0, :4], labels[:4])
    try:
        net.loss._gather['anchor'](inputs[0, :3], labels[:3])
    except ValueError as error:
        results['error'] = str(error)
    torch.save(results, folder / f'{rank}.pth')


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    run_ranks(run_rank, RANKS, folder)
    return [torch.load(folder / f'{rank}.pth', weights_only=True) for rank in range(RANKS)]


@pytest.mark.slow
def test_gradients_equal_those_of_one_process_with_the_union(ranks):
    expected = train(*make(TERMS))
    for rank in ranks:
        for kind in ('gradients', 'weights'):
            for name, value in expected[kind].items():
                torch.testing.assert_close(rank[True][kind][name], value, rtol=1e-5, atol=1e-5)
        for ours, theirs in zip(rank[True]['values'], expected['values']):
            for name in ('loss_triplet', 'loss_soft', 'loss_anchor', 'loss_batch', 'loss_relation'):
                assert ours[name] == pytest.approx(theirs[name], rel=1e-5)
    assert min(value.abs().max() for value in expected['gradients'].values()) > 1e-3


@pytest.mark.slow
def test_without_the_key_each_process_mines_for_itself(ranks):
    one = train(*make(TERMS))
    gaps = [
        (ranks[0][False]['gradients'][name] - value).abs().max()
        for name, value in one['gradients'].items()
    ]
    assert max(gaps) > 1e-3
    assert ranks[0][False]['values'][0]['loss_triplet'] != pytest.approx(
        one['values'][0]['loss_triplet'], rel=1e-3
    )


@pytest.mark.slow
def test_batches_of_other_sizes_are_refused(ranks):
    assert 'one size on all ranks, got [4, 5]' in ranks[0]['error 4']
    assert 'one size on all ranks, got [4, 5]' in ranks[1]['error 5']
    assert all('got 3 after 4 samples: set drop_last=True' in rank['error'] for rank in ranks)


def test_gathered_samples_and_their_gradients(monkeypatch):
    """Of each rank's loss over all samples; DistributedDataParallel divides by the ranks later."""
    samples = torch.arange(12.0).reshape(6, 2)
    weights = torch.tensor([1.0, 2, 3, 4, 5, 6])[:, None]

    def step(rank):
        own = samples[2 * rank : 2 * rank + 2].clone().requires_grad_()
        gatherer = gathering.BatchGatherer()
        for _ in range(2):
            joined, labels = gatherer(own, torch.tensor([rank, 7]))
        (weights * joined).sum().backward()
        return joined.detach(), labels.tolist(), own.grad

    for rank, (joined, labels, grad) in enumerate(run_threads(step, 3, gathering, monkeypatch)):
        assert torch.equal(joined, samples) and labels == [0, 7, 1, 7, 2, 7]
        assert torch.equal(grad, 3 * weights[2 * rank : 2 * rank + 2].expand(2, 2))


def test_sizes_are_compared_between_ranks_and_steps(monkeypatch):
    def step(rank):
        with pytest.raises(ValueError, match=r'one size on all ranks, got \[1, 2\]'):
            gathering.BatchGatherer()(torch.ones(1 + rank, 2), torch.zeros(1 + rank))
        gatherer = gathering.BatchGatherer()
        gatherer(torch.ones(4, 2), torch.zeros(4))
        with pytest.raises(ValueError, match='got 3 after 4 samples'):
            gatherer(torch.ones(3, 2), torch.zeros(3))

    run_threads(step, 2, gathering, monkeypatch)


def test_on_one_process_nothing_changes():
    plain = {
        name: {key: value for key, value in term.items() if key != 'gather'}
        for name, term in TERMS.items()
    }
    assert train(*make(TERMS))['values'] == train(*make(plain))['values']
    assert 'triplet(TripletLoss of pooled of all processes)' in repr(make(TERMS)[0].loss)


def test_centres_gather_by_themselves():
    terms = dict(center={**TERMS['center'], 'gather': True})
    with pytest.raises(ValueError, match="term 'center': gather=True is not for CenterLoss"):
        FusedLoss(terms, num_classes=8, feat_dims=8)


def test_the_key_is_true_or_false():
    terms = dict(triplet={**TERMS['triplet'], 'gather': 'yes'})
    with pytest.raises(TypeError, match="term 'triplet': gather='yes' must be True or False"):
        FusedLoss(terms)
