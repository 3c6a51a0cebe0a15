"""Re-ranking: equality with the dense classic, ties, small sets, blocks, bad input."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from reid_fusedloss.functional.reranking import jaccard, rerank
from reid_fusedloss.functional.reranking.neighbours import nearest_neighbours, smallest
from reid_fusedloss.functional.reranking.rerank import (
    check_rerank_options,
    k_reciprocal_rerank,
    rerank_blocks,
)
from tests.oracles import ranking as oracle


def clusters(seed: int, number: int, num_ids: int = 8, dim: int = 16) -> np.ndarray:
    """Features around identity centres, norms between .5 and 2."""
    rng = np.random.RandomState(seed)
    features = rng.randn(num_ids, dim)[rng.randint(0, num_ids, number)]
    features = features + 0.7 * rng.randn(number, dim)
    return (features * rng.uniform(0.5, 2, (number, 1))).astype(np.float32)


def signs(seed: int, number: int, patterns: int) -> np.ndarray:
    """Features of +1 and -1 from few patterns: exact distances, many duplicates and ties."""
    rng = np.random.RandomState(seed)
    features = rng.choice([-1.0, 1.0], (patterns, 16))[rng.randint(0, patterns, number)]
    return features.astype(np.float32)


def assert_equal_to_classic(
    features: np.ndarray, num_queries: int, k1: int, k2: int, lambda_value: float, **options: int
) -> None:
    result = k_reciprocal_rerank(
        features[:num_queries],
        features[num_queries:],
        k1=k1,
        k2=k2,
        lambda_value=lambda_value,
        **options,
    )
    with np.errstate(invalid='ignore'):
        distances = oracle.euclidean_of_normalised(features)
        expected = oracle.k_reciprocal(distances, num_queries, k1, k2, lambda_value)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    'k1, k2, lambda_value',
    [
        (20, 6, 0.3),
        (20, 1, 0.3),
        (7, 3, 0.5),
        (5, 6, 0.1),
        (1, 1, 0.3),
        (3, 2, 0.0),
        (6, 2, 1.0),
        (25, 8, 0.3),
    ],
)
@pytest.mark.parametrize('seed', [0, 1])
def test_equal_to_the_classic(k1: int, k2: int, lambda_value: float, seed: int) -> None:
    assert_equal_to_classic(clusters(seed, 90), 20, k1, k2, lambda_value)


@pytest.mark.parametrize('patterns', [2, 10, 40])
@pytest.mark.parametrize('k1, k2', [(20, 6), (5, 1), (4, 3)])
def test_equal_to_the_classic_with_duplicates_and_ties(patterns: int, k1: int, k2: int) -> None:
    assert_equal_to_classic(signs(patterns, 80, patterns), 20, k1, k2, 0.3, chunk_size=32)


@pytest.mark.parametrize(
    'number, num_queries, k1, k2',
    [
        (10, 4, 20, 6),
        (21, 5, 20, 6),
        (20, 5, 20, 6),
        (22, 5, 20, 6),
        (30, 1, 20, 6),
        (2, 1, 20, 21),
        (30, 29, 5, 2),
    ],
)
def test_small_sets_and_lists_longer_than_the_set(
    number: int, num_queries: int, k1: int, k2: int
) -> None:
    assert_equal_to_classic(clusters(0, number, num_ids=3), num_queries, k1, k2, 0.3)


def test_identical_features_have_no_scale_and_stay_finite() -> None:
    result = k_reciprocal_rerank(np.ones((2, 16), np.float32), np.ones((3, 16), np.float32))
    assert result.flatten().tolist() == pytest.approx([0] * 6, abs=1e-6)


def test_zero_vectors_are_near_each_other_only() -> None:
    features = clusters(0, 30)
    features[[0, 29]] = 0
    result = k_reciprocal_rerank(features[:5], features[5:], k1=3, k2=1)
    assert result.isfinite().all()
    assert result[0].argmin() == 24


@pytest.mark.parametrize('chunk_size', [1, 7, 64])
def test_blocks_are_the_rows_and_progress_reaches_the_total(chunk_size: int) -> None:
    features, steps = signs(1, 60, 30), []
    dense = k_reciprocal_rerank(features[:15], features[15:])
    blocks = list(
        rerank_blocks(
            features[:15],
            features[15:],
            chunk_size=chunk_size,
            progress=lambda *step: steps.append(step),
        )
    )
    assert len(blocks) == -(-15 // chunk_size)
    np.testing.assert_array_equal(np.concatenate(blocks), dense.numpy())
    assert steps[-1] == (75, 75)
    assert steps == sorted(set(steps))


@pytest.mark.parametrize('numbers', [1, 40, 100])
def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch, numbers: int) -> None:
    monkeypatch.setattr('reid_fusedloss.functional.backend.CACHE_SIZE', numbers)
    monkeypatch.setattr(jaccard, 'PIECE_SIZE', numbers)
    assert_equal_to_classic(clusters(0, 60), 15, 7, 3, 0.3)


def test_numpy_and_torch_and_half_precision_inputs() -> None:
    features = signs(2, 50, 20)
    expected = k_reciprocal_rerank(features[:10], features[10:])
    for other in (torch.from_numpy(features), features.astype(np.float16), features.astype(float)):
        assert torch.equal(k_reciprocal_rerank(other[:10], other[10:]), expected)


def test_inputs_are_not_changed() -> None:
    features = clusters(0, 40)
    kept = features.copy()
    k_reciprocal_rerank(features[:10], features[10:])
    np.testing.assert_array_equal(features, kept)


@pytest.mark.parametrize('count', [1, 5, 29, 30])
@pytest.mark.parametrize('levels', [1, 2, 6, 1000])
def test_smallest_takes_equal_entries_by_index(count: int, levels: int) -> None:
    block = torch.from_numpy(np.random.RandomState(0).randint(0, levels, (20, 30))).float()
    values, indices = smallest(block, count)
    expected = np.argsort(block.numpy(), axis=1, kind='stable')[:, :count]
    np.testing.assert_array_equal(indices.numpy(), expected)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(block.numpy(), expected, 1))


@pytest.mark.parametrize('chunk_size', [1, 3, 16, 500])
@pytest.mark.parametrize('count', [1, 3, 9, 150])
@pytest.mark.parametrize('patterns', [1, 5, 60])
def test_neighbours_are_those_of_the_full_sort(chunk_size: int, count: int, patterns: int) -> None:
    features = signs(3, 150, patterns) / 4
    squared = oracle.euclidean_of_normalised(features) ** 2
    result = nearest_neighbours(torch.from_numpy(features), count, chunk_size, 'torch')
    order = np.argsort(np.round(squared, 9), axis=1, kind='stable')[:, :count]
    np.testing.assert_array_equal(result.indices, order)
    farthest = squared.max(axis=1)
    np.testing.assert_allclose(result.scale, np.where(farthest == 0, 1, farthest), atol=1e-6)


def test_distances_are_kept_up_to_the_limit_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    monkeypatch.setattr(rerank._Reranking, 'keep', lambda self: kept.append(limit))
    for limit in (4 * 5 * 9 - 1, 4 * 5 * 9):
        list(rerank_blocks(clusters(0, 5), clusters(1, 9), keep_limit=limit))
    assert kept == [4 * 5 * 9]


def test_progress_of_the_search_is_the_share_of_its_tiles() -> None:
    shares: list[float] = []
    features = torch.from_numpy(signs(3, 150, 60))
    nearest_neighbours(features, 3, 16, 'torch', progress=shares.append)
    total = 4 * 5 // 2  # tiles of isqrt(16 * 150) = 48 rows; those below the diagonal are left out
    assert shares == [(done + 1) / total for done in range(total)]


@pytest.mark.parametrize('nearest_last', [True, False])
def test_neighbours_when_one_tile_holds_them_all(nearest_last: bool) -> None:
    rng = np.random.RandomState(0)
    far, near = rng.randn(60, 16), 1 + 0.1 * rng.randn(60, 16)
    features = np.concatenate([far, near] if nearest_last else [near, far]).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    squared = oracle.euclidean_of_normalised(features) ** 2
    result = nearest_neighbours(torch.from_numpy(features), 4, 30, 'numpy')
    np.testing.assert_array_equal(result.indices, np.argsort(squared, axis=1)[:, :4])
    np.testing.assert_allclose(result.squared_distances, np.sort(squared, axis=1)[:, :4], atol=1e-6)


@pytest.mark.parametrize(
    'options, error, message',
    [
        (dict(k1=0), ValueError, 'k1=0'),
        (dict(k1=4, k2=6), ValueError, 'k1=4, k2=6'),
        (dict(k2=0), ValueError, 'k2=0'),
        (dict(k1=20.0), TypeError, 'k1 is an integer, got 20.0'),
        (dict(lambda_value=1.5), ValueError, 'got 1.5'),
        (dict(lambda_value=float('nan')), ValueError, 'got nan'),
        (dict(chunk_size=-1), ValueError, 'got -1'),
    ],
)
@pytest.mark.parametrize('function', [k_reciprocal_rerank, rerank_blocks])
def test_bad_options(
    function: Callable, options: dict, error: type[Exception], message: str
) -> None:
    check_rerank_options()
    with pytest.raises(error, match=message):
        function(clusters(0, 5), clusters(1, 9), **options)


@pytest.mark.parametrize(
    'query, error, message',
    [
        (np.full((2, 16), np.nan), ValueError, '32 of 32 values are NaN'),
        (np.ones((2, 16), int), TypeError, 'int64'),
        (np.ones((0, 16)), ValueError, r'\(0, 16\)'),
        (np.ones((2, 15)), ValueError, r'\(2, 15\)'),
    ],
)
def test_bad_features(query: np.ndarray, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rerank_blocks(query, clusters(1, 9))
