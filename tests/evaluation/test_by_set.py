"""Sets of a joint test are evaluated as each would be by itself, to the last digit."""

import numpy as np
import pytest
import torch

from reid_fusedloss.evaluation import ReIDMetric, SaveEmbeddings, load_features

OPTIONS = dict(
    rerank=dict(k1=6, k2=2, lambda_value=0.3),
    single_shot=dict(trials=3, seed=0),
    open_set=dict(fpir=(0.5,), trials=2),
    tpr_at_fpr=(0.1,),
)


def records(num, ids, cameras, seed, text=False):
    """Of one data set; numbers beyond 9, whose order as text is another."""
    rng = np.random.default_rng(seed)
    return [
        dict(
            sample_idx=i,
            embedding=torch.from_numpy(rng.normal(size=8).astype(np.float32)),
            pid=f'p{pid}' if text else int(pid),
            camid=int(rng.integers(cameras)) if cameras else None,
            is_query=i < num // 4,
            img_path=f'{seed}_{i}.jpg',
        )
        for i, pid in enumerate(rng.integers(7, 7 + ids, num))
    ]


SETS = dict(
    cam=records(80, 6, 3, 0), nocam=records(60, 5, 0, 1), words=records(70, 6, 2, 2, text=True)
)


def joined(sets):
    """As `JointReIDDataset` has them, and what it says of itself."""
    samples, facts = [], {}
    for name, part in sets.items():
        keys = [key for key in ('pid', 'camid') if isinstance(part[0][key], int)]
        facts[name] = dict(num_images=len(part), number_keys=keys)
        for sample in part:
            camid = None if sample['camid'] is None else f'{name}/{sample["camid"]}'
            changed = dict(sample_idx=len(samples), pid=f'{name}/{sample["pid"]}', camid=camid)
            samples.append(sample | changed)
    return samples, dict(sets=facts)


def evaluate(metric, samples, meta=None, order=None):
    metric.dataset_meta = meta
    samples = samples if order is None else [samples[i] for i in order]
    for begin in range(0, len(samples), 7):
        metric.process(None, samples[begin : begin + 7])
    return metric.evaluate(len(samples))


def test_each_set_as_by_itself():
    samples, meta = joined(SETS)
    metric = ReIDMetric(**OPTIONS)
    found = evaluate(metric, samples, meta, np.random.default_rng(0).permutation(len(samples)))
    lists = {part['prefix']: part for part in metric.ranking_lists}
    alone = {}
    for name, part in SETS.items():
        own = ReIDMetric(**OPTIONS)
        alone[name] = evaluate(own, part)
        assert {key: found[f'{name}/{key}'] for key in alone[name]} == alone[name]
        for expected in own.ranking_lists:
            assert lists[f'{name}/{expected["prefix"]}'] == expected | dict(
                prefix=f'{name}/{expected["prefix"]}'
            )
    assert len(lists) == 6 and len(found) == 4 * len(alone['cam'])
    for key in alone['cam']:
        assert found[key] == pytest.approx(sum(scores[key] for scores in alone.values()) / 3)


def test_a_second_evaluation_begins_without_the_first():
    """And one of a model before averaging keeps the lists of the first."""
    samples, meta = joined(SETS)
    metric = ReIDMetric()
    first = evaluate(metric, samples, meta)
    assert evaluate(metric, samples, meta) == first and len(metric.ranking_lists) == 3
    metric.begin('_origin')
    evaluate(metric, samples, meta)
    prefixes = [part['prefix'] for part in metric.ranking_lists]
    assert len(prefixes) == 6 and prefixes[0] == 'cam/reid' and prefixes[3] == 'cam/reid_origin'


def test_an_error_names_the_set():
    part = [dict(sample, is_query=False) for sample in SETS['nocam']]
    samples, meta = joined(dict(SETS, nocam=part))
    with pytest.raises(ValueError, match='nocam: 0 query and 60 gallery'):
        evaluate(ReIDMetric(), samples, meta)


def test_features_of_each_set_in_a_file(tmp_path):
    samples, meta = joined(SETS)
    evaluate(SaveEmbeddings(str(tmp_path / 'f.npz')), samples, meta)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f'f_{name}.npz' for name in SETS]
    for name, part in SETS.items():
        own = tmp_path / f'{name}.npz'
        evaluate(SaveEmbeddings(str(own)), part)
        found, expected = load_features(tmp_path / f'f_{name}.npz'), load_features(own)
        for key, value in vars(expected).items():
            assert np.array_equal(getattr(found, key), value), key
