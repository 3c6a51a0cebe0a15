"""Ranking metrics: types of distances and labels, and bad input."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from reid_fusedloss.functional.ranking.evaluate import cmc_map, evaluate_ranking, ranking_lists
from tests.oracles import ranking as oracle


@pytest.mark.parametrize(
    'convert',
    [
        lambda d: d.astype(np.float16),
        lambda d: d.astype(np.float32),
        torch.from_numpy,
        lambda d: torch.from_numpy(d).bfloat16(),
        lambda d: torch.from_numpy(d).requires_grad_(),
    ],
)
def test_types_of_distances(convert: Callable) -> None:
    distances, *labels = oracle.random_case(1, levels=8)
    assert cmc_map(convert(distances), *labels) == cmc_map(distances, *labels)


@pytest.mark.parametrize('dtype', [torch.int8, torch.uint8, torch.bool, torch.int32])
def test_integers_are_no_distances(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match='expected floating point'):
        cmc_map(torch.tensor([[3, 1, 2]]).to(dtype), [1], [2, 1, 1])


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(distance='typo', rerank={}), 'typo'),
        (dict(ap='voc'), 'voc'),
        (dict(topk=5), 'got 5'),
        (dict(query_camids=[1]), 'one side only'),
    ],
)
def test_mistakes_are_said_before_the_work(options: dict, words: str) -> None:
    features = np.full((3, 2), np.nan), np.full((4, 2), np.nan)  # the work itself would complain
    with pytest.raises(ValueError, match=words):
        evaluate_ranking(*features, [1] * 3, [1] * 4, **options)


@pytest.mark.parametrize(
    'scale, word', [(1e-22, 'too small'), (1e-30, 'too small'), (1e19, 'too large')]
)
def test_features_whose_squares_leave_float32(scale: float, word: str) -> None:
    rng = np.random.RandomState(0)
    query, gallery = (rng.randn(n, 4) for n in (3, 9))
    labels = [0, 1, 2], [0, 1, 2] * 3
    expected = evaluate_ranking(query, gallery, *labels)
    with pytest.raises(ValueError, match=f'{word} for torch.float32'):
        evaluate_ranking((query * scale).astype(np.float32), gallery.astype(np.float32), *labels)
    assert evaluate_ranking(query * scale, gallery, *labels) == pytest.approx(expected)


def test_labels_may_be_strings_and_tensors() -> None:
    distances, *labels = oracle.random_case(1)
    expected = cmc_map(distances, *labels)
    assert cmc_map(distances, *map(torch.from_numpy, labels)) == expected
    words = [[f'id{label}' for label in part] for part in labels]
    assert cmc_map(distances, *words) == expected
    assert cmc_map(distances, *[np.array(part, dtype=object) for part in words]) == expected


def with_value(value: float) -> np.ndarray:
    distances = oracle.random_case(0)[0]
    distances[3, 7] = value
    return distances


@pytest.mark.parametrize(
    'changes, error, message',
    [
        (dict(d=with_value(np.nan)), ValueError, 'query 3 to gallery entry 7 is nan'),
        (dict(d=with_value(-np.inf)), ValueError, 'query 3 to gallery entry 7 is -inf'),
        (dict(d=np.ones((12, 40), int)), TypeError, 'int64'),
        (dict(d=[[0.5] * 40] * 12), TypeError, 'distances are a list, expected a numpy array'),
        (dict(d=np.ones((12, 39))), ValueError, r'\(12, 39\) do not fit 40 gallery pids'),
        (dict(d=np.ones((11, 40))), ValueError, 'distances of 11 queries, but 12'),
        (dict(d=np.ones((13, 40))), ValueError, 'at least 13 queries, 12 pids'),
        (dict(qp=[]), ValueError, '0 queries, 40 gallery'),
        (dict(gp=[]), ValueError, '12 queries, 0 gallery'),
        (dict(qp=['1'] * 12), TypeError, 'query_pids are of type <U1'),
        (dict(qp=[1] * 11 + ['1']), TypeError, 'integers and strings together'),
        (dict(qp=[1.0] * 12), TypeError, 'query_pids are of type float64'),
        (dict(gc=[None] * 40), TypeError, 'gallery_camids are of type object'),
        (dict(gc=None), ValueError, 'one side only'),
        (dict(gc=[1] * 39), ValueError, '12 and 39 camids'),
        (dict(qp=np.ones((12, 1), int)), ValueError, r'\(12, 1\)'),
        (dict(ap='interpolated'), ValueError, "'interpolated'"),
        (dict(topk=(0, 1)), ValueError, r'\(0, 1\)'),
    ],
)
def test_bad_input(changes: dict, error: type[Exception], message: str) -> None:
    arguments = dict(zip(('d', 'qp', 'gp', 'qc', 'gc'), oracle.random_case(0)))
    options = {key: changes[key] for key in changes.keys() & {'ap', 'topk'}}
    arguments = [changes.get(key, value) for key, value in arguments.items()]
    with pytest.raises(error, match=message):
        cmc_map(*arguments, **options)


@pytest.mark.parametrize(
    'options, error, message',
    [
        (dict(rerank=dict(k=3)), ValueError, r"unknown keys \['k'\]"),
        (dict(rerank=['k1']), TypeError, 'rerank is a dict with keys of'),
        (dict(rerank=dict(k1=0)), ValueError, 'k1=0'),
        (dict(single_shot=dict(k=3)), ValueError, r"unknown keys \['k'\] in single_shot"),
        (dict(open_set=dict(k=3)), ValueError, r"unknown keys \['k'\] in open_set"),
        (dict(distance='l1'), ValueError, "'l1'"),
        (dict(ap='x'), ValueError, "'x'"),
        (dict(topk=(1.5,)), ValueError, r'\(1.5,\)'),
    ],
)
def test_bad_options_of_evaluation(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        evaluate_ranking(*oracle.exact_features(), **options)


def test_features_must_fit_pids() -> None:
    query, gallery, *labels = oracle.exact_features()
    with pytest.raises(ValueError, match='11 query and 40 gallery features, but 12 and 40 pids'):
        evaluate_ranking(query[:11], gallery, *labels, rerank={})
    with pytest.raises(ValueError, match='k is the length'):
        ranking_lists(*oracle.random_case(0), k=0)
