import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from reid_fusedloss.visualization.pair_distances import pair_distances
from tests.oracles.protocols import Observed


def make_case(seed, num_query=30, num_gallery=300, num_ids=9, cameras=True, digits=None):
    """Noisy features around a centre for each identity; rounded ones have many ties."""
    rng = np.random.default_rng(seed)
    pids = [rng.integers(num_ids, size=num) for num in (num_query, num_gallery)]
    camids = [rng.integers(3, size=num) if cameras else None for num in (num_query, num_gallery)]
    centres = rng.normal(size=(num_ids, 6))
    features = [centres[own] + 1.1 * rng.normal(size=(len(own), 6)) for own in pids]
    if digits is not None:
        features = [np.round(part, digits) for part in features]
    return [part.astype(np.float64) for part in features], pids, camids


def all_pairs(features, pids, camids, distance):
    """Distances and whether they are of one identity, junk left out, by a plain loop."""
    observed = Observed(*pids, *camids)
    values, same = [], []
    for i, q in enumerate(features[0]):
        for j, g in enumerate(features[1]):
            if not observed.is_junk(i, j):
                values.append(
                    math.dist(q, g)
                    if distance == 'euclidean'
                    else 1 - q @ g / math.sqrt(q @ q * (g @ g))
                )
                same.append(bool(pids[0][i] == pids[1][j]))
    return np.array(values), np.array(same)


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
@pytest.mark.parametrize(
    'seed, options',
    [
        (0, {}),
        (1, dict(cameras=False)),
        (2, dict(num_query=600, num_gallery=12)),
        (3, dict(num_ids=2)),
        (4, dict(num_query=3, num_gallery=5, num_ids=2)),
    ],
)
def test_numbers_are_those_of_scikit_learns_roc(seed, options, distance):
    features, pids, camids = make_case(seed, **options)
    values, same = all_pairs(features, pids, camids, distance)
    fpr, tpr, _ = roc_curve(same, -values, drop_intermediate=False)
    found = pair_distances(*features, *pids, *camids, distance=distance)
    assert found.num_intra == same.sum() and found.num_inter == (~same).sum()
    assert found.intra_mean == pytest.approx(values[same].mean(), rel=1e-9)
    assert found.inter_mean == pytest.approx(values[~same].mean(), rel=1e-9)
    assert found.eer == pytest.approx(100 * np.interp(1, tpr + fpr, fpr), abs=1e-9)
    assert found.overlap == pytest.approx(100 * (1 - (tpr - fpr).max()), abs=1e-9)


def test_ties_are_on_the_diagonals_of_the_roc():
    """One-dimensional features 0, 1, 2: Euclidean distances are whole numbers."""
    query, gallery = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0], [2.0], [0.0], [1.0]])
    pids = np.array([0, 1]), np.array([0, 0, 0, 1, 1])
    intra, inter = [0, 1, 2, 1, 0], [0, 1, 1, 0, 1]
    fpr, tpr, _ = roc_curve([1] * 5 + [0] * 5, [-d for d in intra + inter])
    found = pair_distances(query, gallery, *pids, distance='euclidean')
    assert found.eer == pytest.approx(100 * np.interp(1, tpr + fpr, fpr))
    assert found.overlap == pytest.approx(100 * (1 - (tpr - fpr).max()))


def test_overlap_and_eer_of_two_gaussians():
    """Distances to the origin from N(1, 1/9) and N(2, 1/9): EER = Phi(-1.5), overlap twice that."""
    rng = np.random.default_rng(0)
    near, far = (np.abs(rng.normal(mean, 1 / 3, 40000)) for mean in (1.0, 2.0))
    gallery = np.concatenate([near, far])[:, None]
    found = pair_distances(
        np.zeros((1, 1)), gallery, [1], [1] * 40000 + [2] * 40000, distance='euclidean'
    )
    expected = 50 * math.erfc(1.5 / math.sqrt(2))
    assert found.eer == pytest.approx(expected, abs=0.2)
    assert found.overlap == pytest.approx(2 * expected, abs=0.3)
    assert found.threshold == pytest.approx(1.5, abs=0.02)
    width = np.diff(found.edges)
    assert (found.intra * width).sum() == pytest.approx(1)
    assert (found.inter * width).sum() == pytest.approx(1)
    assert (np.minimum(found.intra, found.inter) * width).sum() == pytest.approx(
        found.overlap / 100, abs=0.005
    )


def test_identities_apart_do_not_overlap_and_swapped_ones_do_wholly():
    features = np.eye(3)[[0, 0, 1, 1, 2, 2]]
    pids = np.array([0, 0, 1, 1, 2, 2])
    apart = pair_distances(features, features, pids, pids)
    assert (apart.eer, apart.overlap) == (0, 0)
    swapped = pair_distances(features[:1], features[:4], [5], [7, 7, 5, 5])
    assert (swapped.eer, swapped.overlap) == (100, 100)


@pytest.mark.parametrize(
    'change, words',
    [
        (dict(gallery_pids=[8, 8, 8]), '0 pairs of one identity'),
        (dict(gallery_pids=[1, 1, 1]), '0 of two'),
        (dict(gallery_pids=[1, 1]), '3 gallery features'),
        (dict(distance='manhattan'), 'manhattan'),
        (dict(gallery=np.full((3, 2), np.nan)), 'NaN'),
    ],
)
def test_what_cannot_be_compared_is_said(change, words):
    case = (
        dict(query=np.ones((1, 2)), gallery=np.ones((3, 2)), query_pids=[1], gallery_pids=[1, 2, 2])
        | change
    )
    with pytest.raises(ValueError, match=words):
        pair_distances(**case)
