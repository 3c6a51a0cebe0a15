from pathlib import Path

import pytest
import torch
from mmengine.dist import all_reduce_params
from torch import nn

from reid_fusedloss.functional import losses
from reid_fusedloss.functional.center import center_loss
from reid_fusedloss.losses import CenterLoss
from reid_fusedloss.losses import center_loss as module_of_center_loss
from reid_fusedloss.registry import MODELS
from tests.oracles import losses as oracle
from tests.ranks import run_ranks, run_threads

X, Y, W = oracle.fixture()
X, W = X.float(), W.float()


def batches(steps: int = 6) -> list[tuple[torch.Tensor, torch.Tensor]]:
    random = torch.Generator().manual_seed(0)
    return [
        (torch.randn(16, 8, generator=random) + 2, torch.randint(6, (16,), generator=random))
        for _ in range(steps)
    ]


def with_centers(**options: object) -> CenterLoss:
    module = CenterLoss(6, 8, **options)
    module.centers.copy_(W)
    return module


@pytest.mark.parametrize('weight', [0.005, 5e-4])
def test_equal_to_the_second_sgd_of_bot(weight):
    """BoT: SGD(lr 0.5) on the centres, their gradient multiplied by 1 / weight before the step."""
    ours, theirs = with_centers(lr=0.5), nn.Parameter(W.clone())
    sgd = torch.optim.SGD([theirs], lr=0.5)
    for features, labels in batches(50):
        loss = weight * center_loss(features, labels, theirs)
        torch.testing.assert_close(weight * ours(features.requires_grad_(), labels), loss)
        sgd.zero_grad()
        loss.backward()
        theirs.grad.mul_(1 / weight)
        sgd.step()
    torch.testing.assert_close(ours.centers, theirs.data, rtol=1e-6, atol=1e-6)
    assert (ours.centers - W).abs().max() > 0.1


def test_update_of_wen():
    module = with_centers(update='wen', lr=0.5)
    module(X, Y)
    expected = oracle.wen_step(X.double(), Y.tolist(), W.double(), 0.5)
    torch.testing.assert_close(module.centers, expected.float())


def test_loss_and_gradient_are_of_the_centers_before_the_update():
    features = X.clone().requires_grad_()
    value = with_centers()(features, Y)
    value.backward()
    assert value.item() == pytest.approx(9.184361, rel=1e-5)
    torch.testing.assert_close(features.grad, 2 / 16 * (X - W[Y]))


def test_one_update_per_training_forward_none_in_eval_or_without_grad():
    module = with_centers()
    module.eval()
    module(X.clone().requires_grad_(), Y)
    module.train()
    with torch.no_grad():
        module(X, Y)
    assert torch.equal(module.centers, W)
    module(X, Y)
    assert not torch.equal(module.centers[:4], W[:4]) and torch.equal(module.centers[4:], W[4:])


def test_reduction_sum_has_the_same_update():
    mean, total = with_centers(), with_centers(reduction='sum')
    torch.testing.assert_close(total(X, Y), mean(X, Y) * 16 / 2)
    assert torch.equal(total.centers, mean.centers)


def test_autocast_changes_nothing():
    inside, outside = with_centers(), with_centers()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = inside(X, Y)
    assert value == outside(X, Y) and torch.equal(inside.centers, outside.centers)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_dtypes(dtype):
    module = with_centers()
    value = module(X.to(dtype), Y)
    assert module.centers.dtype == torch.float32
    assert value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert value.item() == pytest.approx(9.184361, rel=1e-2)


def test_samples_that_are_not_finite_do_not_reach_the_centers():
    poisoned, module = X.clone(), with_centers()
    poisoned[0, 3], poisoned[5, 0] = torch.inf, torch.nan
    assert not module(poisoned, Y).isfinite()
    assert module.centers.isfinite().all() and not torch.equal(module.centers[0], W[0])
    before = module.centers.clone()
    module(torch.full_like(X, torch.nan), Y)
    assert torch.equal(module.centers, before)


@pytest.mark.parametrize(
    'init, check',
    [
        ('zeros', lambda c: (c == 0).all()),
        ('class_mean', lambda c: c.isnan().all()),
        ('normal', lambda c: abs(c.std() - 1) < 0.05 and abs(c.mean()) < 0.05),
    ],
)
def test_init(init, check):
    assert check(CenterLoss(200, 100, init=init).centers)


def test_class_mean_starts_each_class_when_first_met():
    module = CenterLoss(6, 8, init='class_mean')
    features = X.clone().requires_grad_()
    value = module(features, Y)
    value.backward()
    means = torch.stack([X[4 * j : 4 * j + 4].mean(0) for j in range(4)])
    torch.testing.assert_close(module.centers[:4], means)
    torch.testing.assert_close(value.detach(), center_loss(X, Y, means))
    torch.testing.assert_close(features.grad, 2 / 16 * (X - means[Y]))
    assert module.centers[4:].isnan().all()
    known = with_centers()
    known.centers[:4] = module.centers[:4]
    known(X + 1, Y)
    module(X + 1, Y)
    assert torch.equal(module.centers[:4], known.centers[:4])


def test_class_mean_in_eval_counts_unmet_classes_as_zero():
    module = CenterLoss(6, 8, init='class_mean').eval()
    features = X.clone().requires_grad_()
    value = module(features, Y)
    value.backward()
    assert value == 0 and (features.grad == 0).all() and module.centers.isnan().all()


@pytest.mark.parametrize('init', ['normal', 'class_mean'])
def test_state_dict_round_trip(init, tmp_path):
    straight = CenterLoss(6, 8, init=init)
    for features, labels in batches()[:1]:
        straight(features[labels < 4], labels[labels < 4])
    torch.save(straight.state_dict(), tmp_path / 'state.pth')
    resumed = CenterLoss(6, 8, init=init)
    resumed.load_state_dict(torch.load(tmp_path / 'state.pth', weights_only=True))
    assert list(straight.state_dict()) == ['centers']
    for features, labels in batches()[1:]:
        assert straight(features, labels) == resumed(features, labels)
    assert torch.equal(straight.centers, resumed.centers)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(num_classes=0), 'num_classes=0'),
        (dict(feat_dims=0), 'feat_dims=0'),
        (dict(lr=0), 'lr=0'),
        (dict(lr=float('nan')), 'lr=nan'),
        (dict(update='adam'), "'adam'"),
        (dict(init='ones'), "init must be one of .*, got 'ones'"),
        (dict(reduction='none'), "reduction must be 'mean' or 'sum', got 'none'"),
        (dict(num_classes=2**40, feat_dims=1), 'num_classes=1099511627776 x feat_dims=1'),
        (dict(num_classes=1, feat_dims=2**40), 'num_classes=1 x feat_dims=1099511627776'),
        (dict(num_classes=2**20, feat_dims=2**20), 'lower one of them'),
    ],
)
def test_errors_at_construction(options, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(
            {**dict(type='reid_fusedloss.CenterLoss', num_classes=6, feat_dims=8), **options}
        )


@pytest.mark.parametrize(
    'features, labels, message',
    [
        (X[:, :7], Y, r'feat_dims=8\) got features of shape \(16, 7\)'),
        (X, Y + 3, 'label 6 is outside 0..5'),
        (X, Y - 1, 'label -1 is outside 0..5'),
    ],
)
def test_errors_in_forward_leave_the_centers(features, labels, message):
    module = with_centers()
    with pytest.raises(ValueError, match=message):
        module(features, labels)
    assert torch.equal(module.centers, W)


@pytest.mark.parametrize('init', ['normal', 'class_mean'])
def test_nothing_waits_for_the_device(init, monkeypatch):
    """Tensors on the device `meta` have no values: asking for one, or for a count, is an error."""
    monkeypatch.setattr(losses, '_checks_without_waiting', lambda device: True)
    value = CenterLoss(6, 8, init=init).to('meta')(X.to('meta').requires_grad_(), Y.to('meta'))
    value.backward()
    assert value.shape == () and value.device.type == 'meta'


def test_defaults_are_those_of_bot():
    module = CenterLoss(6, 8)
    assert (module.lr, module.update, module.reduction) == (0.5, 'sgd', 'mean')


@pytest.mark.parametrize('init', ['normal', 'class_mean'])
def test_ranks_together_are_one_process(init, monkeypatch):
    """Batches of unequal sizes, the larger first one on the second rank; class 5 is never met."""
    cuts = [7, 8, 6]  # of 15, 16 and 14 samples, the first rank's
    steps = [
        (features[: cut + 8], labels[: cut + 8] % 5)
        for cut, (features, labels) in zip(cuts, batches())
    ]
    modules = [CenterLoss(6, 8, init=init) for _ in range(2)]
    single = CenterLoss(6, 8, init=init)
    single.centers.copy_(modules[0].centers)

    def train(rank: int) -> str:
        for cut, (features, labels) in zip(cuts, steps):
            half = slice(cut) if rank == 0 else slice(cut, None)
            modules[rank](features[half], labels[half])
        with pytest.raises(ValueError) as caught:
            modules[rank](torch.ones(9, 8), torch.zeros(9, dtype=torch.long))
        return str(caught.value)

    errors = run_threads(train, 2, module_of_center_loss, monkeypatch)
    monkeypatch.undo()
    for features, labels in steps:
        single(features, labels)
    first, second = (module.centers for module in modules)
    torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(first, single.centers, rtol=0, atol=1e-6, equal_nan=True)
    assert all('got 9 samples' in error and 'had at most 8' in error for error in errors)


def run_rank(rank: int, world: int, folder: Path) -> None:
    torch.manual_seed(rank)  # ranks start from other random centres: rank 0's count
    result = {}
    for init in ('normal', 'class_mean'):
        module = CenterLoss(6, 8, init=init)
        result[f'{init}_start'] = module.centers.clone()
        for i, (features, labels) in enumerate(batches()):
            half = slice(0, 8) if rank == 0 else slice(8, 16 - i % 3)
            labels = labels % 3 if i < 3 else labels % 5  # class 5 is never met
            module(features[half].requires_grad_(), labels[half]).backward()
            all_reduce_params(module.buffers(), op='mean')  # what SyncBuffersHook does
        result[init] = module.centers
    try:
        module(torch.ones(9, 8), torch.zeros(9, dtype=torch.long))
    except ValueError as error:
        result['error'] = str(error)
    torch.save(result, folder / f'{rank}.pth')


@pytest.mark.slow
def test_two_ranks_are_bit_equal_and_equal_to_one_process(tmp_path: Path):
    run_ranks(run_rank, 2, tmp_path)
    first, second = (torch.load(tmp_path / f'{rank}.pth', weights_only=True) for rank in (0, 1))
    assert not torch.equal(first['normal_start'], second['normal_start'])
    for init in ('normal', 'class_mean'):
        single = CenterLoss(6, 8, init=init)
        single.centers.copy_(first[f'{init}_start'])
        for i, (features, labels) in enumerate(batches()):
            size = 16 - i % 3  # the second rank's batch varies in size
            single(features[:size], (labels % 3 if i < 3 else labels % 5)[:size])
        torch.testing.assert_close(first[init], second[init], rtol=0, atol=0, equal_nan=True)
        torch.testing.assert_close(first[init], single.centers, rtol=0, atol=1e-6, equal_nan=True)
    assert first['class_mean'].isnan().any(1).tolist() == [False] * 5 + [True]
    assert first['error'] == second['error'] and 'got 9 samples' in first['error']
