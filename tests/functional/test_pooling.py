"""Pooling against plain loops; re-association against plain loops."""

import numpy as np
import pytest
import torch

from reid_fusedloss.functional import pool_features, reassociation
from reid_fusedloss.functional.pooling import check_pooling, group_images


def naive_pool(features, groups, how, k, quality):
    """One group after the other, in the order of their first images; float64."""
    pooled = []
    for group in dict.fromkeys(groups):
        rows = [i for i, own in enumerate(groups) if own == group]
        weight = {i: 1.0 if how == 'mean' else quality[i] for i in rows}
        if how == 'best':
            best = sorted(rows, key=lambda i: (-quality[i], i))[:k]
            weight = {i: float(i in best) for i in rows}
        if not sum(weight.values()):
            weight = dict.fromkeys(rows, 1.0)
        total = sum(weight.values())
        direction, length = np.zeros(features.shape[1]), 0.0
        for i in rows:
            norm = np.sqrt((features[i].astype(float) ** 2).sum())
            direction += weight[i] / total * features[i] / norm
            length += weight[i] / total * norm
        pooled.append(direction / np.sqrt((direction**2).sum()) * length)
    return np.array(pooled)


@pytest.mark.parametrize('how, k', [('mean', 1), ('quality', 1), ('best', 1), ('best', 3)])
@pytest.mark.parametrize('given', [False, True])
@pytest.mark.parametrize('kind', [np.array, torch.tensor])
def test_equal_to_plain_loops(how, k, given, kind):
    rng = np.random.default_rng(k)
    features = (rng.normal(size=(40, 6)) * rng.integers(1, 5, (40, 1))).astype(np.float32)
    pids, camids = rng.integers(0, 5, 40), [f'c{x}' for x in rng.integers(0, 3, 40)]
    norms = np.linalg.norm(features, axis=1)
    quality = rng.integers(0, 3, 40).astype(float) if given else norms
    options = dict(quality=quality) if given and how != 'mean' else {}
    pooled = pool_features(kind(features), pids, camids, how=how, k=k, **options)
    groups = list(zip(pids, camids))
    np.testing.assert_allclose(
        pooled.features.numpy(), naive_pool(features, groups, how, k, quality), rtol=1e-5, atol=1e-6
    )
    order = list(dict.fromkeys(groups))
    assert pooled.first.tolist() == [groups.index(group) for group in order]
    assert [order[group] for group in pooled.groups] == groups
    assert pooled.features.dtype == torch.float32


def test_a_group_of_one_keeps_its_feature():
    features = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    for how in ('mean', 'quality', 'best'):
        pooled = pool_features(features, np.arange(9)[::-1], how=how)
        np.testing.assert_array_equal(pooled.features.numpy(), features)
    assert group_images(4, [1, 0, 1, 2])[0].tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(how='max'), "how must be one of .*got 'max'"),
        (dict(how='best', k=0), 'k must be an integer >= 1, got 0'),
        (dict(k=3), "k=3 is of how='best'"),
        (dict(quality=np.ones(4)), "how='mean' does not read it"),
        (dict(how='quality', quality=[1, 2]), 'quality must be 4 finite numbers'),
        (dict(how='quality', quality=[1, 2, 3, -1]), 'quality must be 4'),
        (dict(how='quality'), 'all have the same'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        pool_features(np.eye(4, dtype=np.float32), [1, 1, 2, 2], **options)


def test_norms_say_nothing_where_they_are_the_same():
    rows = np.eye(4)[:2]
    for lengths in ([1, 1], [100, 100.05], [0, 0]):
        with pytest.raises(ValueError, match='all have the same'):
            pool_features(rows * np.array(lengths)[:, None], [1, 1], how='quality')
    found = pool_features(rows[:1], [1], how='quality').features
    np.testing.assert_array_equal(found, rows[:1])
    found = pool_features(rows * [[1.0], [3.0]], [1, 1], how='quality').features
    np.testing.assert_allclose(found, rows[[0]] * 2.5 / 10**0.5 + rows[[1]] * 7.5 / 10**0.5)


def test_defaults_and_no_images():
    check_pooling('mean')
    assert [part.tolist() for part in group_images(0, [])] == [[], []]


def test_labels_that_do_not_fit():
    with pytest.raises(ValueError, match='nothing to group by'):
        pool_features(np.eye(4))
    with pytest.raises(ValueError, match='4 images, but 3 labels'):
        pool_features(np.eye(4), [1, 2, 3])


def naive_reassociation(distances, tracks, frames, cameras, gap):
    """Rank of the person among those in the frame of the return, for each query that counts."""
    ranks, sizes = [], []
    for i in range(len(tracks)):
        later = [
            frames[j]
            for j in range(len(tracks))
            if tracks[j] == tracks[i] and cameras[j] == cameras[i] and frames[j] >= frames[i] + gap
        ]
        if not later:
            continue
        there = [
            j for j in range(len(tracks)) if frames[j] == min(later) and cameras[j] == cameras[i]
        ]
        if len(there) == 1:
            continue
        order = sorted(there, key=lambda j: (distances[i][j], j))
        ranks.append([tracks[j] for j in order].index(tracks[i]) + 1)
        sizes.append(len(there))
    return ranks, sizes


@pytest.mark.parametrize('gap', [1, 3, 7])
@pytest.mark.parametrize('cameras', [None, 2])
def test_reassociation_equals_plain_loops(gap, cameras):
    rng = np.random.default_rng(gap)
    seen = [
        (track, frame, camera)
        for frame in range(15)
        for camera in range(cameras or 1)
        for track in range(6)
        if rng.random() < 0.4
    ]
    seen = [seen[i] for i in rng.permutation(len(seen))]
    tracks, frames, camids = (list(column) for column in zip(*seen))
    features = rng.choice([-1.0, 1.0], (len(seen), 4))  # with many equal distances
    distances = 1 - features @ features.T / 4
    ranks, sizes = naive_reassociation(distances, tracks, frames, camids, gap)
    found = reassociation(
        features, tracks, frames, None if cameras is None else camids, gap=gap, topk=(1, 2)
    )
    assert len(set(ranks)) > 2
    assert found == pytest.approx(
        {
            'R1': 100 * np.mean([rank <= 1 for rank in ranks]),
            'R2': 100 * np.mean([rank <= 2 for rank in ranks]),
            'MRR': 100 * np.mean([1 / rank for rank in ranks]),
            'num_queries': len(ranks),
            'mean_candidates': np.mean(sizes),
        }
    )


def test_reassociation_by_the_distance_that_is_named():
    """The query is at 1 of its own and at 2 of the other, which points the same way."""
    features, tracks, frames = np.array([[1.0, 0], [1, 1], [3, 0]]), [1, 1, 2], [1, 2, 2]
    found = reassociation(features, tracks, frames, gap=1, distance='euclidean')
    assert found['R1'] == 100 and list(found)[:2] == ['R1', 'R5']
    assert reassociation(features, tracks, frames, gap=1)['R1'] == 0


def test_reassociation_says_what_does_not_fit():
    features = np.eye(3)
    with pytest.raises(ValueError, match='no track comes back after 5 frames'):
        reassociation(features, [1, 1, 2], [1, 2, 2], gap=5)
    with pytest.raises(ValueError, match='2 times in frame 4'):
        reassociation(features, [1, 1, 2], [4, 4, 4], gap=1)
    with pytest.raises(ValueError, match='gap must be an integer >= 1, got 0'):
        reassociation(features, [1, 1, 2], [1, 2, 3], gap=0)
    with pytest.raises(ValueError, match='3 features, but 2 tracks'):
        reassociation(features, [1, 1], [1, 2, 3], gap=1)
    with pytest.raises(ValueError, match='3 features, but 3 tracks, 2 frames'):
        reassociation(features, [1, 1, 2], [1, 2], gap=1)
    with pytest.raises(ValueError, match='3 frames and 2 camids'):
        reassociation(features, [1, 1, 2], [1, 2, 3], [1, 1], gap=1)
    with pytest.raises(ValueError, match='integers from 1'):
        reassociation(features, [1, 1, 2], [1, 2, 2], gap=1, topk=(0,))
    with pytest.raises(TypeError, match='frames must be integers'):
        reassociation(features, [1, 1, 2], ['a', 'b', 'c'], gap=1)
