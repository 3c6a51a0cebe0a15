"""Ranking and re-ranking on a GPU: equal to the CPU's, and no step mixes the devices.

Without a GPU the same code runs on a fake one, which computes on the CPU; see `fake_device`.
"""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from reid_fusedloss.functional import (
    alpha_query_expansion,
    cosine_distance,
    distance_blocks,
    euclidean_distance,
    evaluate_ranking,
    k_reciprocal_rerank,
    pool_features,
)
from reid_fusedloss.functional.distillation import relation_distillation_loss
from reid_fusedloss.functional.reranking.neighbours import nearest_neighbours, smallest
from tests.functional.fake_device import DEVICE, FakeDevice, OnDevice

HAS_GPU = torch.cuda.is_available()
DEVICES = [
    'cpu',
    'fake',
    pytest.param('cuda', marks=pytest.mark.skipif(not HAS_GPU, reason='no GPU')),
]


@pytest.fixture(params=DEVICES)
def device(request, monkeypatch):
    """Function that moves a tensor to the device."""
    if request.param == 'fake':
        monkeypatch.setattr(torch, 'autocast', lambda *_, **__: nullcontext())
        with FakeDevice():
            yield lambda tensor: OnDevice(tensor.clone())
    else:
        yield lambda tensor: tensor.to(request.param)


def draw(number=240, width=24, ids=20, seed=0):
    rng = np.random.default_rng(seed)
    pids = np.arange(number) % ids
    features = rng.standard_normal((ids, width))[pids] + 1.5 * rng.standard_normal((number, width))
    return torch.from_numpy(features.astype(np.float32)), pids, np.arange(number) // ids % 6


def both(device, function):
    """Results on the CPU and on the device, as arrays."""
    features, pids, cams = draw()
    query, gallery = features[:60].clone(), features[60:].clone()
    expected = function(query, gallery)
    found = function(device(query), device(gallery))
    return [[part.cpu() for part in result] for result in (expected, found)]


@pytest.mark.parametrize(
    'function',
    [
        lambda q, g: [k_reciprocal_rerank(q, g, k1=8, k2=3, chunk_size=16)],
        lambda q, g: alpha_query_expansion(q, g, k=4, times=2, chunk_size=16),
        lambda q, g: alpha_query_expansion(q, g, k=4, expand_gallery=False),
        lambda q, g: [torch.from_numpy(np.concatenate(list(distance_blocks(q, g))))],
        lambda q, g: [torch.from_numpy(np.concatenate(list(distance_blocks(q, g, 'euclidean'))))],
        lambda q, g: [cosine_distance(q, g), euclidean_distance(q, g)],
        lambda q, g: [pool_features(q, np.arange(60) // 4).features],
        lambda q, g: [pool_features(q, np.arange(60) // 4, how='quality').features],
        lambda q, g: [pool_features(q, np.arange(60) // 4, how='best', k=2).features],
        lambda q, g: list(smallest((10 * cosine_distance(q, g)).round(), 5)),
        lambda q, g: [relation_distillation_loss(q.double(), g[:60].double())],
    ],
    ids=[
        'rerank', 'expansion', 'query expansion', 'cosine', 'euclidean', 'distances', 'mean',
        'quality', 'best', 'smallest', 'relations',
    ],
)  # fmt: skip
def test_values_are_those_of_the_cpu(device, function):
    for expected, found in zip(*both(device, function), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    'options',
    [
        dict(tpr_at_fpr=[1e-2], single_shot={}, open_set=dict(trials=2, fpir=[0.1])),
        dict(distance='euclidean'),
        dict(rerank=dict(k1=8, k2=3), query_expansion=dict(k=4)),
    ],
    ids=['plain', 'euclidean', 'reranked'],
)
def test_figures_are_those_of_the_cpu(device, options):
    """Verification and identification too; labels may be tensors on the device."""
    features, pids, cams = draw()
    labels = (pids[:60], pids[60:], cams[:60], cams[60:])
    expected = evaluate_ranking(features[:60], features[60:], *labels, **options)
    found = evaluate_ranking(device(features[:60]), device(features[60:]), *labels, **options)
    assert found == pytest.approx(expected, abs=1e-6)


def test_neighbours_in_small_and_large_tiles(device):
    """Ties and lists that are cut in them go through all branches on the device."""
    features = torch.nn.functional.normalize(draw(90)[0].round(), dim=1)
    features[40:60] = features[0]
    expected = nearest_neighbours(features, 9, 90, 'torch')
    for chunk in (4, 30, 1000):
        found = nearest_neighbours(device(features), 9, chunk, 'torch')
        np.testing.assert_allclose(found.squared_distances, expected.squared_distances, atol=1e-6)
        np.testing.assert_allclose(found.scale, expected.scale, atol=1e-6)


def test_products_keep_their_precision(device):
    """Whatever a training has set the precision of products to."""
    before = torch.get_float32_matmul_precision()
    q, g = (part.double() for part in draw()[0].split([60, 180]))
    exact = (1 - q @ g.T / q.norm(dim=1)[:, None] / g.norm(dim=1)).float()
    try:
        torch.set_float32_matmul_precision('medium')
        (found,) = both(device, lambda q, g: [cosine_distance(q, g)])[1]
    finally:
        torch.set_float32_matmul_precision(before)
    torch.testing.assert_close(found, exact, rtol=0, atol=2e-6)


def test_the_fake_device_refuses_what_a_gpu_refuses():
    with FakeDevice():
        there = OnDevice(torch.ones(3))
        assert there.device == DEVICE
        with pytest.raises(AssertionError, match='tensors on meta and on the CPU'):
            there + torch.ones(3)
        with pytest.raises(AssertionError, match='indices on another device'):
            torch.ones(3)[OnDevice(torch.tensor([1]))]
        with pytest.raises((TypeError, RuntimeError)):
            there.numpy()
        assert isinstance(torch.arange(3, device=there.device) + there, OnDevice)
        assert (there + torch.tensor(1.0)).cpu().tolist() == [2, 2, 2]
