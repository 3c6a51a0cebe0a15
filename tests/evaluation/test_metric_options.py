"""Options of the metric: each equals the function it stands for."""

import numpy as np
import pytest
import torch

from reid_fusedloss import logs
from reid_fusedloss.evaluation import ReIDMetric
from reid_fusedloss.functional import evaluate_ranking
from tests.evaluation.sharded import make_samples


def run(samples: list[dict], **options) -> dict[str, float]:
    metric = ReIDMetric(**options)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def function(samples: list[dict], **options) -> dict[str, float]:
    """The same from `evaluate_ranking`."""
    parts = [[s for s in samples if s['is_query'] is wanted] for wanted in (True, False)]
    features = [np.stack([s['embedding'].numpy() for s in part]) for part in parts]
    labels = [[s[key] for s in part] for key in ('pid', 'camid') for part in parts]
    return evaluate_ranking(*features, *labels, **options)


def assert_prefixed(found: dict, prefix: str, expected: dict) -> None:
    expected = {key: value for key, value in expected.items() if not key.startswith('num_')}
    own = {key.split('/')[1]: value for key, value in found.items() if key.startswith(f'{prefix}/')}
    assert own == expected


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        dict(distance='euclidean', topk=(1, 3)),
        dict(tpr_at_fpr=(1e-3, 1e-1)),
        dict(single_shot=dict(trials=4, seed=2)),
        dict(query_expansion=dict(k=3, alpha=1.0)),
        dict(ap='trapezoid', query_expansion={}, tpr_at_fpr=[0.5], single_shot={}),
    ],
)
def test_options_are_those_of_the_function(options: dict) -> None:
    samples = make_samples()
    rerank = dict(k1=6, k2=2)
    found = run(samples, rerank=rerank, **options)
    assert_prefixed(found, 'reid', function(samples, **options))
    assert_prefixed(found, 'rerank', function(samples, rerank=rerank, **options))


def test_open_set_is_of_plain_distances_and_says_how_it_was_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples, lines = make_samples(), []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    options = dict(open_set=dict(fpir=(0.4, 0.5), strangers=0.5, trials=4, seed=1))
    found = run(samples, rerank=dict(k1=6, k2=2), **options)
    assert_prefixed(found, 'reid', function(samples, **options))
    assert {key for key in found if 'FPIR' in key} == {
        f'reid/{rate}@FPIR={fpir}' for rate in ('DIR', 'FNIR') for fpir in ('4e-01', '5e-01')
    }
    (line,) = (line for line in lines if 'open set' in line)
    assert line.startswith(
        'cosine, open set: 3 of 6 identities are left out of the gallery as '
        'strangers (mean of 4 splits, seed 1): '
    )
    assert run(samples, **options) == {
        key: value for key, value in found.items() if not key.startswith('rerank/')
    }


def test_compare_ranks_every_feature_in_every_way() -> None:
    samples = make_samples()
    other = [dict(s, embedding=-s['embedding'].flip(0).exp()) for s in make_samples()]
    both = [
        dict(a, embeddings=dict(bn=a['embedding'], pooled=b['embedding']))
        for a, b in zip(samples, other)
    ]
    rerank = dict(k1=6, k2=2)
    found = run(both, rerank=rerank, compare=True)
    assert_prefixed(found, 'reid', function(samples))
    assert_prefixed(found, 'bn_euclidean', function(samples, distance='euclidean'))
    assert_prefixed(found, 'rerank', function(samples, rerank=rerank))
    for distance in ('cosine', 'euclidean'):
        assert_prefixed(found, f'pooled_{distance}', function(other, distance=distance))
    assert_prefixed(found, 'pooled_rerank', function(other, rerank=rerank))
    assert len({key.split('/')[0] for key in found}) == 6
    assert run(both, rerank=rerank) == run(samples, rerank=rerank)


def test_lists_are_those_of_the_main_rankings() -> None:
    metric = ReIDMetric(rerank={}, compare=True, list_length=3)
    metric.process(None, make_samples())
    metric.evaluate(90)
    assert [lists['prefix'] for lists in metric.ranking_lists] == ['reid', 'rerank']
    assert [lists['distance'] for lists in metric.ranking_lists] == ['cosine', 're-ranked']


def test_the_log_says_what_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    metric = ReIDMetric(query_expansion=dict(k=2), backend='numpy')
    for _ in range(2):
        metric.process(None, make_samples())
        metric.evaluate(91)
    expansion, missing = (
        "query expansion: {'k': 2}",
        '90 of 91 images of the data set were evaluated',
    )
    assert lines == ['distances by numpy on cpu', missing, expansion, missing, expansion]


@pytest.mark.parametrize(
    'options, error, word',
    [
        (dict(query_expansion=dict(k=0)), ValueError, 'k is at least 1'),
        (dict(query_expansion=dict(beta=0)), ValueError, 'beta'),
        (dict(tpr_at_fpr=(2.0,)), ValueError, '2.0'),
        (dict(tpr_at_fpr=1e-3), TypeError, '0.001'),
        (dict(open_set=dict(fpir=0.1)), TypeError, 'fpir is a sequence'),
        (dict(open_set=dict(rate=0.1)), ValueError, 'rate'),
        (dict(open_set=3), TypeError, 'got 3'),
        (dict(open_set={}, query_expansion={}), ValueError, 'open_set is of plain distances'),
        (dict(single_shot=dict(trials=0)), ValueError, 'trials'),
        (dict(single_shot=dict(times=2)), ValueError, 'times'),
        (dict(backend='mkl'), ValueError, 'mkl'),
        (dict(chunk_size=0), ValueError, 'chunk_size'),
        (dict(single_shot=10), TypeError, 'single_shot is a dict .* got 10'),
        (dict(rerank=True), TypeError, 'rerank is a dict'),
        (dict(device='cuda', backend='numpy'), ValueError, 'cuda'),
    ],
)
def test_bad_options(options: dict, error: type, word: str) -> None:
    with pytest.raises(error, match=word):
        ReIDMetric(**options)


def test_features_that_are_not_finite_are_an_error() -> None:
    samples = make_samples()
    samples[3]['embedding'] = torch.full((8,), torch.nan)
    with pytest.raises(ValueError, match='query features: 8 of 120 values are NaN'):
        run(samples)
