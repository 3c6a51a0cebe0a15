"""Ranking metrics: hand-made cases, a double loop, ties, lists, edges."""

import numpy as np
import pytest
import torch

from reid_fusedloss.functional.distance import distance_blocks
from reid_fusedloss.functional.ranking import block_ranking, evaluate
from reid_fusedloss.functional.ranking.evaluate import (
    cmc_map,
    evaluate_ranking,
    rank_blocks,
    ranking_lists,
)
from reid_fusedloss.functional.ranking.matching import GalleryMatches
from reid_fusedloss.functional.ranking.protocols import make_protocol
from reid_fusedloss.functional.ranking.ranking_result import RankingResult
from reid_fusedloss.functional.ranking.verification import TprAtFpr
from reid_fusedloss.functional.reranking.rerank import k_reciprocal_rerank
from tests.oracles import ranking as oracle

TOPK = (1, 2, 5, 1000)


def test_by_hand() -> None:
    # Query 0: gallery 1 is junk (same camera); order 0 (hit), 3, 2 (hit).
    # Query 1: order 1 (hit of another camera), 3, 0, 2: no tie, one positive.
    distances = np.array([[0.1, 0.0, 0.3, 0.2], [0.7, 0.1, 0.8, 0.6]])
    pids, camids = (['a', 'b'], ['a', 'a', 'a', 'c']), ([1, 1], [2, 1, 2, 1])
    result = rank_blocks([distances[:1]], pids[0][:1], pids[1], camids[0][:1], camids[1])
    assert result.average_precision.tolist() == pytest.approx([(1 + 2 / 3) / 2])
    assert result.inverse_negative_penalty.tolist() == pytest.approx([2 / 3])
    assert (result.first_match.tolist(), result.num_positives.tolist()) == ([1], [2])
    trapezoid = cmc_map(
        distances[:1], pids[0][:1], pids[1], camids[0][:1], camids[1], ap='trapezoid'
    )
    assert trapezoid['mAP'] == pytest.approx(100 * (1 + (2 / 3 + 1 / 2) / 2) / 2)
    metrics = cmc_map(distances, ['a', 'a'], ['b', 'a', 'b', 'b'], topk=(1, 2))
    assert metrics == pytest.approx(
        dict(mAP=100.0, mINP=100.0, R1=100.0, R2=100.0, num_valid_queries=2.0, num_ties=0.0)
    )


@pytest.mark.parametrize('ap', ['ir', 'trapezoid'])
@pytest.mark.parametrize('levels', [0, 1, 2, 10])
@pytest.mark.parametrize('cameras', [0, 1, 3])
def test_equal_to_the_double_loop(ap: str, levels: int, cameras: int) -> None:
    case = oracle.random_case(levels + cameras, levels, cameras)
    if cameras == 1:
        with pytest.raises(ValueError, match='none of the 12 queries'):
            cmc_map(*case, ap=ap)
        return
    metrics = cmc_map(*case, ap=ap, topk=TOPK)
    metrics.pop('num_ties')
    assert metrics == pytest.approx(oracle.ranking_metrics(*case, ap, TOPK), abs=1e-10)


class Recorder:
    """An observer that keeps what it is shown."""

    def __init__(self) -> None:
        self.seen = []

    def update(self, first: int, block: np.ndarray, matches: object) -> None:
        self.seen.append((first, block.copy()))


def test_blocks_reach_the_observers_and_the_progress_in_order() -> None:
    distances, *labels = oracle.random_case(0)
    steps, recorder = [], Recorder()
    result = rank_blocks(
        [distances[:5], distances[5:]],
        *labels,
        ap='trapezoid',
        observers=[recorder],
        progress=lambda *step: steps.append(step),
    )
    assert steps == [(5, 12), (12, 12)] and result.lists is None
    assert [first for first, _ in recorder.seen] == [0, 5]
    np.testing.assert_array_equal(np.concatenate([part for _, part in recorder.seen]), distances)
    expected = oracle.ranking_metrics(distances, *labels, 'trapezoid', (1,))['mAP']
    assert result.summarise((1,))['mAP'] == pytest.approx(expected)


@pytest.mark.parametrize('piece, chunk', [(1, 5), (100, 5), (100, 7), (10**6, 12)])
def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch, piece: int, chunk: int) -> None:
    distances, *labels = oracle.random_case(4, levels=5)
    expected = oracle.ranking_metrics(distances, *labels, 'ir', TOPK)
    monkeypatch.setattr(block_ranking, 'PIECE_SIZE', piece)
    monkeypatch.setattr(block_ranking, 'CHUNK_SIZE', chunk)
    recorder = Recorder()
    result = block_ranking.rank_matches([distances], GalleryMatches(*labels), observers=[recorder])
    found = result.summarise(TOPK)
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-10)
    assert [(first, len(part)) for first, part in recorder.seen] == [
        (first, min(chunk, 12 - first)) for first in range(0, 12, chunk)
    ]
    assert result.lists is None


@pytest.mark.parametrize('levels', [0, 1, 5])
@pytest.mark.parametrize('k', [1, 7, 60])
def test_lists_are_the_order_of_the_metrics(levels: int, k: int) -> None:
    distances, *labels = oracle.random_case(3, levels)
    query_pids, gallery_pids, query_camids, gallery_camids = labels
    lists = ranking_lists(distances, *labels, k=k)
    for i, pid in enumerate(query_pids):
        order = oracle.order_without_junk(
            distances[i], pid, query_camids[i], gallery_pids, gallery_camids
        )[:k]
        padding = k - len(order)
        assert lists.indices[i].tolist() == order + [-1] * padding
        assert lists.distances[i].tolist() == [*distances[i, order]] + [np.inf] * padding
        hits = [bool(gallery_pids[j] == pid) for j in order]
        assert lists.matches[i].tolist() == hits + [False] * padding
    result = rank_blocks([distances], *labels, k=40)
    assert ranking_lists(distances, *labels).indices.shape == (12, 10)
    assert (lists.matches.dtype, lists.indices.dtype) == (bool, np.int64)
    assert result.num_positives.dtype == result.num_ties.dtype == np.int64
    for i in np.flatnonzero(result.valid):
        assert result.lists.matches[i].argmax() + 1 == result.first_match[i]


def test_ir_is_above_trapezoid_on_the_golden_fixture() -> None:
    rng = np.random.RandomState(0)
    features = rng.randn(30, 16), rng.randn(200, 16)
    labels = (
        rng.randint(0, 10, 30),
        rng.randint(0, 10, 200),
        rng.randint(0, 3, 30),
        rng.randint(0, 3, 200),
    )
    ir, trapezoid = (evaluate_ranking(*features, *labels, ap=ap) for ap in ('ir', 'trapezoid'))
    assert 0.5 < ir['mAP'] - trapezoid['mAP'] < 2
    distances = np.concatenate(list(distance_blocks(*features)))
    expected = oracle.ranking_metrics(distances, *labels, 'ir', (1, 5, 10))
    assert {key: ir[key] for key in expected} == pytest.approx(expected, abs=1e-10)


def test_ties_are_counted_only_where_they_matter() -> None:
    distances = np.array([[0.5, 0.5, 0.5, 0.2, 0.2]])
    assert cmc_map(distances, [1], [1, 1, 2, 3, 3])['num_ties'] == 2
    assert cmc_map(distances, [3], [1, 1, 2, 3, 3])['num_ties'] == 0
    assert cmc_map(distances, [1], [1, 1, 1, 3, 3], [0], [0, 1, 1, 0, 0])['num_ties'] == 0
    assert cmc_map(distances, [2], [2, 1, 2, 3, 3], [0], [0, 1, 1, 0, 0])['num_ties'] == 1


def test_queries_without_a_positive_are_left_out_and_counted() -> None:
    result = rank_blocks([np.array([[0.1, 0.2], [0.1, 0.2], [0.2, 0.1]])], [1, 9, 1], [1, 2], k=1)
    assert result.valid.tolist() == [True, False, True]
    assert result.first_match.tolist() == [1, -1, 2]
    assert np.isnan(result.average_precision).tolist() == [False, True, False]
    assert result.lists.indices.tolist() == [[0], [0], [1]]
    assert result.summarise((1, 2)) == dict(
        mAP=75.0, mINP=75.0, R1=50.0, R2=100.0, num_valid_queries=2.0, num_ties=0.0
    )


def test_what_was_not_asked_for() -> None:
    result = rank_blocks([np.array([[0.1, 0.2], [0.2, 0.1]])], [1, 1], [1, 2])
    assert RankingResult.empty(3).lists is None
    with pytest.raises(ValueError, match='made without lists'):
        result.require_lists()
    assert set(result.summarise(())) == {'mAP', 'mINP', 'num_valid_queries', 'num_ties'}
    assert {'R1', 'R5', 'R10'} < set(result.summarise())
    for wrong in (0, 1.0):
        with pytest.raises(ValueError, match='integers from 1'):
            result.cmc(wrong)
        with pytest.raises(ValueError, match='integers from 1'):
            result.summarise((wrong, 1))


def test_cmc_saturates_beyond_the_gallery() -> None:
    result = rank_blocks([np.array([[0.1, 0.2], [0.2, 0.1]])], [1, 1], [1, 2])
    assert result.cmc(4).tolist() == [50, 100, 100, 100]
    assert cmc_map(np.array([[0.1, 0.2]]), [2], [1, 2], topk=(1, 50))['R50'] == 100


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
@pytest.mark.parametrize('seed', range(20))
def test_many_ties_in_every_type(dtype: type, seed: int) -> None:
    rng = np.random.RandomState(seed)
    levels = rng.randint(1, 30)
    distances = (rng.randint(-levels, levels, (30, 60)) / 7).astype(dtype)
    distances[distances == 0] *= rng.choice([-1, 1])  # -0 is equal to 0
    pids, camids = (
        [rng.randint(0, 4, n) for n in (30, 60)],
        [rng.randint(0, 3, n) for n in (30, 60)],
    )
    for ap in ('ir', 'trapezoid'):
        metrics = cmc_map(distances, *pids, *camids, ap=ap, topk=TOPK)
        assert metrics.pop('num_ties') > 0
        expected = oracle.ranking_metrics(distances, *pids, *camids, ap, TOPK)
        assert metrics == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_values_next_to_each_other_and_at_the_ends_of_the_type(dtype: type) -> None:
    top, one = np.finfo(dtype).max, dtype(1)
    apart = [-top, -1e20, np.nextafter(-one, -2 * one), -one, np.nextafter(-one, 0 * one), -1e-25]
    apart += [0, 1e-25, 2e-25, one, np.nextafter(one, 2 * one), 1e20, top]
    rng = np.random.RandomState(0)
    distances = np.array([rng.permutation(apart) for _ in range(8)], dtype)
    pids = rng.randint(0, 2, 8), rng.randint(0, 2, len(apart))
    found = cmc_map(distances, *pids, topk=(1, 2))
    assert found.pop('num_ties') == 0
    expected = oracle.ranking_metrics(distances, *pids, None, None, 'ir', (1, 2))
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
def test_minus_zero_and_zero_are_one_distance(dtype: type) -> None:
    """They tie, in whatever order their signs come, and the gallery's order decides."""
    signs = np.array([[1, -1, 1, -1, 1], [-1, 1, -1, 1, -1], [1, 1, -1, -1, 1]])
    distances = np.concatenate([np.zeros((3, 5)), np.ones((3, 1))], axis=1).astype(dtype)
    distances[:, :5] *= signs.astype(dtype)
    assert np.signbit(distances).any(axis=1).all()
    pids = [1] * 3, [2, 1, 2, 1, 2, 1]
    metrics = cmc_map(distances, *pids, topk=(1, 2))
    assert metrics.pop('num_ties') == 6
    expected = oracle.ranking_metrics(abs(distances), *pids, None, None, 'ir', (1, 2))
    assert metrics == pytest.approx(expected) and metrics['R1'] == 0 and metrics['R2'] == 100
    assert ranking_lists(distances, *pids, k=3).indices.tolist() == [[0, 1, 2]] * 3


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
@pytest.mark.parametrize('chunk_size', [1, 5, 256])
def test_features_and_distances_agree_for_every_chunk_size(distance: str, chunk_size: int) -> None:
    query, gallery, *labels = oracle.exact_features()
    distances = next(distance_blocks(query, gallery, distance))
    expected = cmc_map(distances, *labels)
    assert expected['num_ties'] > 0
    steps = []
    metrics = evaluate_ranking(
        torch.from_numpy(query),
        gallery,
        *labels,
        distance=distance,
        chunk_size=chunk_size,
        progress=lambda *step: steps.append(step),
    )
    assert metrics == expected
    assert steps[-1] == (12, 12) and len(steps) == -(-12 // chunk_size)


def test_reranked_metrics_are_those_of_the_reranked_distances() -> None:
    query, gallery, *labels = oracle.exact_features()
    options = dict(k1=5, k2=3, lambda_value=0.4)
    expected = cmc_map(k_reciprocal_rerank(query, gallery, **options), *labels)
    steps = []
    metrics = evaluate_ranking(
        query,
        gallery,
        *labels,
        rerank=options,
        chunk_size=7,
        progress=lambda *step: steps.append(step),
    )
    assert metrics == expected != evaluate_ranking(query, gallery, *labels)
    assert steps[-1] == (64, 64)


@pytest.mark.parametrize('name', ['query_expansion', 'rerank'])
def test_chunk_size_and_backend_reach_each_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function = dict(query_expansion='alpha_query_expansion', rerank='rerank_blocks')[name]
    original, seen = getattr(evaluate, function), {}

    def record(*args: object, **options: object) -> object:
        seen.update(options)
        return original(*args, **options)

    monkeypatch.setattr(evaluate, function, record)
    evaluate_ranking(*oracle.exact_features(), chunk_size=7, backend='numpy', **{name: {}})
    assert (seen['chunk_size'], seen['backend']) == (7, 'numpy')


def test_pair_rates_are_those_of_their_observer() -> None:
    query, gallery, *labels = oracle.exact_features()
    found = evaluate_ranking(query, gallery, *labels, tpr_at_fpr=(0.05, 0.5))
    observer = TprAtFpr((0.05, 0.5))
    observer.update(0, next(distance_blocks(query, gallery)), GalleryMatches(*labels))
    expected = observer.summarise()
    assert {name: found[name] for name in expected} == expected
    with pytest.raises(TypeError, match='sequence of false positive rates, got 0.1'):
        evaluate_ranking(query, gallery, *labels, tpr_at_fpr=0.1)
    assert evaluate.make_observers((1,), (), None) == []
    (drawn,) = evaluate.make_observers((1,), (), None, protocol=make_protocol('vehicleid'))
    assert drawn.ap == 'ir'
