import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from reid_fusedloss.visualization.embedding import choose_identities, project, save_embedding
from tests.visualization.pictures import read, shows


def make_case(pids=range(6), seed=0):
    rng = np.random.default_rng(seed)
    query_pids, gallery_pids = np.repeat(list(pids), 2), np.repeat(list(pids), 5)
    return [
        rng.normal(size=(len(own), 8)) * [5, 4, 3, 2, 1, 1, 1, 1] + 3
        for own in (query_pids, gallery_pids)
    ] + [query_pids, gallery_pids]


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
def test_pca_is_scikit_learns_of_the_chosen_images(distance):
    query, gallery, query_pids, gallery_pids = make_case()
    found = project(query, gallery, query_pids, gallery_pids, [1, 4], distance=distance)
    features = np.concatenate(
        [query[np.isin(query_pids, [1, 4])], gallery[np.isin(gallery_pids, [1, 4])]]
    )
    if distance == 'cosine':
        features = features / np.linalg.norm(features, axis=1, keepdims=True)
    oracle = PCA(2).fit(features)
    np.testing.assert_allclose(np.abs(found.points), np.abs(oracle.transform(features)), atol=1e-9)
    share = 100 * oracle.explained_variance_ratio_
    assert [f'{part:.0f} %' in axis for part, axis in zip(share, found.axes)] == [True, True]
    assert found.is_query.tolist() == [True] * 4 + [False] * 10
    assert found.pids.tolist() == [1, 1, 4, 4] + [1] * 5 + [4] * 5


def test_pca_does_not_turn_over():
    case = make_case()
    first, second = (project(*case, [0, 1, 2], distance='euclidean') for _ in range(2))
    np.testing.assert_array_equal(first.points, second.points)
    negative = project(-case[0], -case[1], *case[2:], [0, 1, 2], distance='euclidean')
    np.testing.assert_allclose(negative.points, -first.points, atol=1e-9)


def test_tsne_keeps_far_identities_apart():
    query, gallery, query_pids, gallery_pids = make_case(['a', 'b'])
    features = [
        part + 40 * (pids == 'b')[:, None]
        for part, pids in ((query, query_pids), (gallery, gallery_pids))
    ]
    found = project(
        *features, query_pids, gallery_pids, ['a', 'b'], method='tsne', distance='euclidean'
    )
    centres = [found.points[found.pids == pid].mean(0) for pid in 'ab']
    within = max(
        np.linalg.norm(found.points[found.pids == pid] - centre, axis=1).max()
        for pid, centre in zip('ab', centres)
    )
    assert np.linalg.norm(centres[0] - centres[1]) > within


def test_tsne_without_scikit_learn_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, 'sklearn.manifold', None)
    with pytest.raises(ModuleNotFoundError, match="pip install scikit-learn, or use method='pca'"):
        project(*make_case(), [1], method='tsne')


def test_identities_are_drawn_by_seed_among_those_on_both_sides():
    query, gallery = np.array([1, 2, 3, 4, 9]), np.array([0, 1, 2, 3, 4, 4])
    assert choose_identities(query, gallery, 9) == [1, 2, 3, 4]
    assert choose_identities(query, gallery, 2, 5) == choose_identities(query, gallery, 2, 5)
    assert len({tuple(choose_identities(query, gallery, 2, seed)) for seed in range(20)}) > 3


def test_picture_shows_all_identities_of_both_models(tmp_path):
    models = {name: project(*make_case(seed=seed), [0, 2, 5]) for seed, name in enumerate('ab')}
    picture = read(save_embedding(models, tmp_path / 'out.png'))
    assert picture.shape == (510, 1110, 3)
    for half in (picture[:, :450], picture[:, 550:950]):
        assert all(shows(half, color) for color in ('#0072B2', '#D55E00', '#009E73'))


def test_picture_of_many_identities_is_not_cut_off(tmp_path):
    case = make_case([f'vehicle_{i:05d}' for i in range(40)])
    models = {'model': project(*case, choose_identities(*case[2:], 40))}
    assert read(save_embedding(models, tmp_path / 'out.png')).shape[0] == 510


@pytest.mark.parametrize(
    'call, words',
    [
        (lambda: project(*make_case(), [1], method='umap'), 'umap'),
        (lambda: project(*make_case(), [1], distance='l1'), 'l1'),
        (lambda: project(*make_case(), [1, 77]), r'identities \[77\]: there are 0 to 5'),
        (lambda: project(*make_case(['a', 'b']), ['c']), "identities .'c'.: .*'a'.* is one"),
        (lambda: project(*(part[:1] for part in make_case()), [0]), '2 images are too few'),
        (lambda: choose_identities(np.arange(3), np.arange(3), 41), '1 to 40 identities, got 41'),
        (lambda: choose_identities(np.arange(3), np.arange(3, 6), 2), 'no identity in common'),
        (lambda: save_embedding({}, 'out.png'), 'show the same identities'),
        (
            lambda: save_embedding(
                {'a': project(*make_case(), [1]), 'b': project(*make_case(), [2])}, 'out.png'
            ),
            'show the same identities',
        ),
    ],
)
def test_mistakes_are_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()
