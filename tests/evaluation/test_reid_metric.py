import numpy as np
import pytest
import torch

from reid_fusedloss.evaluation import ReIDMetric
from tests.oracles.ranking import euclidean_of_normalised, k_reciprocal, ranking_metrics


def records(num=60, ids=6, cams=3, queries=12, seed=0):
    rng = np.random.default_rng(seed)
    return [
        dict(
            sample_idx=i,
            embedding=torch.from_numpy(rng.normal(size=8).astype(np.float32)),
            pid=int(rng.integers(ids)),
            camid=int(rng.integers(cams)),
            is_query=i < queries,
            img_path=f'{i}.jpg',
        )
        for i in range(num)
    ]


def evaluate(metric, samples, batch=7):
    for begin in range(0, len(samples), batch):
        metric.process(None, samples[begin : begin + batch])
    return metric.evaluate(len(samples))


def split(samples):
    query = [s for s in samples if s['is_query']]
    return query, [s for s in samples if not s['is_query']]


def oracle(samples, distances, use_cameras=True):
    query, gallery = split(samples)
    camids = [[s['camid'] for s in part] for part in (query, gallery)]
    if not use_cameras:
        camids = [[0] * len(query), [1] * len(gallery)]
    return ranking_metrics(
        distances, [s['pid'] for s in query], [s['pid'] for s in gallery], *camids, 'ir', (1, 5, 10)
    )


def cosine(samples):
    features = np.stack([s['embedding'].numpy().astype(np.float64) for s in samples])
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    queries = len(split(samples)[0])
    return 1 - features[:queries] @ features[queries:].T


@pytest.mark.parametrize('use_cameras', [True, False])
def test_equals_the_double_loop(use_cameras):
    samples = records()
    found = evaluate(ReIDMetric(use_cameras=use_cameras), samples)
    expected = oracle(samples, cosine(samples), use_cameras)
    for key in ('mAP', 'mINP', 'R1', 'R5', 'R10'):
        assert found[f'reid/{key}'] == pytest.approx(expected[key], abs=1e-4), key
    assert set(found) == {f'reid/{key}' for key in ('mAP', 'mINP', 'R1', 'R5', 'R10')}


def test_reranked_in_the_same_pass():
    samples = records()
    options = dict(k1=8, k2=3, lambda_value=0.3)
    metric = ReIDMetric(rerank=options)
    found = evaluate(metric, samples)
    features = np.stack([s['embedding'].numpy() for s in samples])
    reranked = k_reciprocal(euclidean_of_normalised(features), 12, **options)
    assert found['rerank/mAP'] == pytest.approx(oracle(samples, reranked)['mAP'], abs=1e-3)
    assert found['reid/mAP'] == evaluate(ReIDMetric(), samples)['reid/mAP']
    assert [lists['prefix'] for lists in metric.ranking_lists] == ['reid', 'rerank']


def test_order_padding_and_batch_size_change_nothing():
    samples = records()
    expected = evaluate(ReIDMetric(), samples)
    shuffled = [samples[i] for i in np.random.default_rng(1).permutation(len(samples))]
    padded = shuffled + shuffled[:5]  # what a sampler adds to make the shares equal
    metric = ReIDMetric()
    assert evaluate(metric, padded, batch=11) == expected
    assert evaluate(metric, samples, batch=60) == expected  # and no state stays behind


def test_data_without_cameras():
    samples = records()
    for sample in samples:
        sample['camid'] = None
    found = evaluate(ReIDMetric(), samples)
    assert found['reid/mAP'] == pytest.approx(
        oracle(samples, cosine(samples), use_cameras=False)['mAP'], abs=1e-4
    )


def test_ranking_lists_are_the_metrics_own_order():
    samples = records()
    metric = ReIDMetric(list_length=5)
    evaluate(metric, samples)
    distances = cosine(samples)
    query, gallery = split(samples)
    for number, entry in enumerate(metric.ranking_lists[0]['queries']):
        order = [
            i
            for i in np.argsort(distances[number], kind='stable')
            if (gallery[i]['pid'], gallery[i]['camid'])
            != (query[number]['pid'], query[number]['camid'])
        ][:5]
        assert [place['img_path'] for place in entry['gallery']] == [
            gallery[i]['img_path'] for i in order
        ]
        assert [place['match'] for place in entry['gallery']] == [
            gallery[i]['pid'] == query[number]['pid'] for i in order
        ]
        assert entry['gallery'][0]['distance'] == pytest.approx(
            distances[number][order[0]], abs=1e-5
        )
    import json

    assert json.loads(json.dumps(metric.ranking_lists)) == metric.ranking_lists


def test_records_do_not_carry_their_batch():
    batch = torch.randn(64, 8)
    metric = ReIDMetric()
    metric.process(None, [dict(records(1)[0], embedding=batch[0])])
    assert metric.store._pending[0].base is None and metric.store._pending[0].shape == (1, 8)


@pytest.mark.parametrize(
    'options, word',
    [
        (dict(distance='manhattan'), 'manhattan'),
        (dict(ap='voc'), 'voc'),
        (dict(topk=()), 'topk'),
        (dict(topk=(0,)), 'topk'),
        (dict(topk=(1.5,)), 'topk'),
        (dict(topk=3), 'topk'),
        (dict(rerank=dict(k3=1)), 'k3'),
        (dict(rerank=dict(k1=0)), 'k1=0'),
        (dict(rerank=dict(lambda_value=3)), 'lambda_value'),
        (dict(prefix='rerank'), 'rerank'),
        (dict(list_length=-1), '-1'),
    ],
)
def test_bad_options(options, word):
    with pytest.raises(ValueError, match=word):
        ReIDMetric(**options)


def test_one_image_without_a_camera_is_named():
    samples = records()
    samples[20]['camid'] = None
    with pytest.raises(ValueError, match='1 images have no camera, 20.jpg'):
        evaluate(ReIDMetric(), samples)
    assert evaluate(ReIDMetric(use_cameras=False), samples)['reid/mAP'] > 0


def test_a_pipeline_without_our_keys_is_explained():
    with pytest.raises(ValueError, match="lack .'pid', 'camid', 'is_query'.*meta_keys"):
        ReIDMetric().process(None, [dict(sample_idx=0, embedding=torch.zeros(2))])


def test_a_train_split_is_refused():
    samples = [dict(sample, is_query=False) for sample in records()]
    with pytest.raises(ValueError, match='0 query and 60 gallery'):
        evaluate(ReIDMetric(), samples)
