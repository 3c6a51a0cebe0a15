"""Who is known below a threshold; re-ranking against that of the package."""

import numpy as np
import pytest
import torch

from reid_fusedloss.functional import k_reciprocal_rerank
from reid_fusedloss.search import Entry, GalleryIndex, OpenSetThreshold, Rerank
from reid_fusedloss.search.report import as_lists
from tests.search.galleries import draw, unit

pytest.importorskip('faiss', reason='faiss is not installed')


def identities(seed=0):
    """Features around ten centres, with pids and cameras."""
    pids = np.arange(60) % 10
    features = draw(10)[pids] + 1.2 * draw(60, seed=seed)
    return features.astype(np.float32), pids, np.random.default_rng(seed).integers(3, size=60)


def test_nobody_is_known_beyond_the_threshold():
    index = GalleryIndex(12)
    index.add(np.eye(12, dtype=np.float32)[:3], ['x', 'y', 'z'])
    query = np.zeros((2, 12), np.float32)
    query[0, 0] = 1  # x itself, distance 0
    query[1, :2] = 0.6, 0.8  # y at distance .2
    assert index.search(query).known is None
    index.threshold = 0.1
    assert index.threshold == OpenSetThreshold(0.1)
    np.testing.assert_array_equal(index.search(query).known, [True, False])
    np.testing.assert_array_equal(index.search(query, threshold=0.3).known, [True, True])
    np.testing.assert_array_equal(index.search(query, threshold=0).known, [False, False])
    hits = index.search(query, rerank=Rerank(3, k1=1, k2=1)).known  # by the distance as before
    np.testing.assert_array_equal(hits, [True, False])


def test_who_is_claimed_is_the_nearest_though_reranking_hides_it():
    (gallery, pids, _), (queries, _, _) = identities(1), identities(2)
    index = GalleryIndex(12)
    index.add(gallery, [str(row) for row in range(60)], pids=pids.tolist())
    nearest = (1 - unit(queries.astype(float)) @ unit(gallery.astype(float)).T).argmin(axis=1)
    result = index.search(queries, 1, rerank=Rerank(20, k1=6, k2=3), threshold=2.0)
    hidden = [
        number
        for number, row in enumerate(nearest)
        if pids[row] != result.hits[number][0].entry.pid
    ]
    assert hidden
    said = as_lists([Entry('query')] * 60, result)['queries']
    for number, row in enumerate(nearest):
        assert said[number]['answer'][0] == f'id {pids[row]}'
        assert said[number]['nearest_name'] == str(row)
    (nobody,) = as_lists([Entry('query')], GalleryIndex(12).search(queries[:1]))['queries']
    assert nobody['answer'] == ['no entry found'] and nobody['nearest_name'] is None


def test_reranking_of_all_is_that_of_the_package():
    gallery, queries = identities(1)[0], identities(2)[0][:4]
    index = GalleryIndex(12)
    index.add(gallery, [str(row) for row in range(60)])
    result = index.search(queries, 15, rerank=Rerank(candidates=60, k1=8, k2=3))
    for number, query in enumerate(queries):
        wanted = k_reciprocal_rerank(query[None], gallery, k1=8, k2=3)[0].numpy()
        order = np.argsort(wanted, kind='stable')[:15]
        np.testing.assert_allclose(result.reranked[number], wanted[order], atol=1e-5)
        np.testing.assert_allclose(wanted[result.rows[number]], wanted[order], atol=1e-5)
    cosine = 1 - torch.cosine_similarity(torch.from_numpy(queries[:1]), torch.from_numpy(gallery))
    np.testing.assert_allclose(result.distances[0], cosine[result.rows[0]], atol=1e-5)
    assert result.hits[0][3].reranked == result.reranked[0, 3]


def test_reranking_of_candidates_does_not_depend_on_the_other_queries():
    gallery, queries = identities(1)[0], identities(2)[0]
    index = GalleryIndex(12)
    index.add(gallery, [str(row) for row in range(60)])
    rerank = Rerank(candidates=20, k1=6, k2=3)
    together = index.search(queries, 5, rerank=rerank)
    nearest = index.search(queries, 20)
    for number in (0, 7, 31):
        alone = index.search(queries[number : number + 1], 5, rerank=rerank)
        np.testing.assert_array_equal(alone.rows[0], together.rows[number])
        assert set(alone.rows[0]) <= set(nearest.rows[number])
    assert index.search(queries, 30, rerank=rerank).distances.shape == (60, 30)
    lonely = GalleryIndex(12)
    lonely.add(gallery[:1], ['a'], camids=[0])
    assert lonely.search(queries[:2], camids=[0, 1], rerank=rerank).rows.tolist() == [[-1], [0]]
    with pytest.raises(ValueError, match='candidates'):
        Rerank(candidates=0)
