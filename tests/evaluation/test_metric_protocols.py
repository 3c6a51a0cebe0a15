"""Protocols and pooling of the metric against plain loops; labels in files; contradictions."""

import argparse
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config

from reid_fusedloss.commands.evaluate import add_arguments
from reid_fusedloss.datasets import PackInputs
from reid_fusedloss.evaluation import ReIDMetric, SaveEmbeddings, load_features
from reid_fusedloss.jobs import evaluate as job
from reid_fusedloss.jobs.test import is_one_set
from tests.evaluation.test_reid_metric import cosine, evaluate, records, split
from tests.functional.test_pooling import naive_pool
from tests.oracles import protocols as oracle
from tests.tiny import REPOSITORY

TOPK = (1, 5, 10)
PLACES = dict(type='camera_pairs', pairs=[(0, 2)])


def labelled(seed=0):
    rng = np.random.default_rng(seed + 50)
    return [
        dict(s, clothes=f'coat {rng.integers(3)}', track=int(rng.integers(4)), image=s['img_path'])
        for s in records(seed=seed)
    ]


def own_rule(query, gallery):
    return (query['pid'] == gallery['pid']) & (query['clothes'] != gallery['clothes'])


def not_her_clothes(query, entry):
    return query['pid'] == entry['pid'] and query['clothes'] != entry['clothes']


def assert_figures(found, expected):
    for key in ('mAP', 'mINP', 'R1', 'R5', 'R10'):
        assert found[f'reid/{key}'] == pytest.approx(expected[key], abs=1e-4), key


@pytest.mark.parametrize(
    'protocol, rule',
    [
        ('same_camera', oracle.same_camera),
        ('clothes_changing', oracle.clothes_changing),
        ('same_clothes', oracle.same_clothes),
        (PLACES, oracle.same_place),
        ('tests.evaluation.test_metric_protocols.own_rule', not_her_clothes),
    ],
    ids=lambda value: str(value)[:20],
)
def test_equal_to_plain_loops(protocol, rule):
    samples = labelled()
    found = evaluate(ReIDMetric(protocol=protocol), samples)
    assert_figures(found, oracle.figures(cosine(samples), *split(samples), rule, TOPK))


@pytest.mark.parametrize('asked', [None, 'same_camera'])
def test_the_data_set_names_the_protocol_unless_the_config_does(asked):
    samples = labelled()
    metric = ReIDMetric(protocol=asked)
    metric.dataset_meta = dict(protocol='clothes_changing')
    rule = oracle.same_camera if asked else oracle.clothes_changing
    expected = oracle.figures(cosine(samples), *split(samples), rule, TOPK)
    assert_figures(evaluate(metric, samples), expected)


def test_the_data_sets_label_is_needed_then():
    metric = ReIDMetric()
    metric.dataset_meta = dict(protocol='clothes_changing')
    with pytest.raises(ValueError, match='clothes'):
        evaluate(metric, records(seed=0))


def test_the_data_sets_protocol_may_contradict_the_config():
    metric = ReIDMetric(rerank={})
    with pytest.raises(ValueError, match='draws galleries.*rerank=None.*another protocol'):
        metric.dataset_meta = dict(protocol='vehicleid')


def distances_of_all(samples):
    features = np.stack([s['embedding'].numpy().astype(np.float64) for s in samples])
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return 1 - features @ features.T


@pytest.mark.parametrize('is_query', [True, False, None])
def test_every_image_is_a_query_that_leaves_itself_out(is_query):
    """Whether the test set says that all are queries, that all are the gallery, or both, twice."""
    samples = [dict(s, camid=None, is_query=bool(is_query)) for s in labelled()]
    given = samples
    if is_query is None:
        twice = [dict(s, is_query=q) for q in (True, False) for s in samples]
        given = [dict(s, sample_idx=i) for i, s in enumerate(twice)]
    found = evaluate(ReIDMetric(protocol='leave_one_out'), given)
    expected = oracle.figures(distances_of_all(samples), samples, samples, oracle.itself, TOPK)
    assert_figures(found, expected)


def test_drawn_galleries_are_reported_in_place_of_the_whole(tmp_path):
    samples = [dict(s, camid=None, is_query=False) for s in labelled()]
    metric = ReIDMetric(protocol=dict(type='vehicleid', trials=3, seed=2))
    found = evaluate(metric, samples)
    whole = evaluate(ReIDMetric(protocol='leave_one_out'), samples)
    assert set(found) == set(whole) and found['reid/R1'] != whole['reid/R1']
    assert len(metric.ranking_lists[0]['queries']) == len(samples)
    save = SaveEmbeddings(str(tmp_path / 'f.npz'), one_set=True)
    evaluate(save, samples)
    assert_job(tmp_path / 'f.npz', ['--protocol', 'vehicleid', 'trials=3', 'seed=2'], found)


def assert_job(path, words, expected):
    """`reid-fusedloss evaluate` on a file gives these figures."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr(job, 'print', lines.append, raising=False)
        job.run(parser.parse_args([str(path), *words]))
    assert json.loads(lines[-1]) == pytest.approx(expected)


def test_labels_go_through_a_file(tmp_path):
    samples = labelled()
    evaluate(SaveEmbeddings(str(tmp_path / 'f.npz')), samples)
    features = load_features(tmp_path / 'f.npz')
    queries, gallery = split(samples)
    assert features.query_labels['clothes'].tolist() == [s['clothes'] for s in queries]
    assert features.gallery_labels['track'].tolist() == [s['track'] for s in gallery]
    for words, options in (
        (['clothes_changing'], dict(protocol='clothes_changing')),
        (
            ['camera_pairs', 'pairs=0+2', 'cameras=0,1', 'trials=2'],
            dict(protocol=dict(PLACES, cameras=(0, 1), trials=2)),
        ),
    ):
        expected = evaluate(ReIDMetric(**options), samples)
        assert_job(tmp_path / 'f.npz', ['--protocol', *words], expected)
    expected = evaluate(ReIDMetric(pool=dict(by='track', how='best', k=2)), samples)
    assert_job(tmp_path / 'f.npz', ['--pool', 'by=track', 'how=best', 'k=2'], expected)


def pooled_by_hand(samples, key, how, k, junk):
    """Samples of groups, one loop after the other: queries, then the gallery."""
    made = []
    for is_query in (True, False):
        own = [s for s in samples if s['is_query'] is is_query]
        pool = own
        if junk and is_query:
            asked = {key(s) for s in own}
            pool = own + [s for s in samples if not s['is_query'] and key(s) in asked]
        if key(own[0]) is None:
            made += own
            continue
        groups = [key(s) for s in pool]
        features = np.stack([s['embedding'].numpy() for s in pool])
        quality = np.linalg.norm(features, axis=1)
        for row, group in zip(naive_pool(features, groups, how, k, quality), dict.fromkeys(groups)):
            first = pool[groups.index(group)]
            made.append(dict(first, embedding=torch.from_numpy(row), is_query=is_query))
    return made


@pytest.mark.parametrize('how, k', [('mean', 1), ('quality', 1), ('best', 2)])
@pytest.mark.parametrize('by, junk', [('track', False), ('pid_camid', False), ('pid_camid', True)])
def test_pooled_ranking_equals_plain_loops(how, k, by, junk):
    samples = labelled(3)
    found = evaluate(ReIDMetric(pool=dict(by=by, how=how, k=k, junk=junk)), samples[::-1])

    def key(s):
        if by == 'track':
            return s['pid'], s['camid'], s['track']
        return (s['pid'], s['camid']) if s['is_query'] or junk else None

    made = pooled_by_hand(samples, key, how, k, junk)
    if junk:
        made = [s for s in made if s['is_query']] + [s for s in samples if not s['is_query']]
    queries = [s for s in made if s['is_query']]
    assert len(queries) > 1 and (junk or len(made) < len(samples))
    assert_figures(
        found, oracle.figures(cosine(made), queries, split(made)[1], oracle.same_camera, TOPK)
    )


@pytest.mark.parametrize(
    'options, word',
    [(dict(protocol='clothes_changing'), 'clothes'), (dict(pool=dict(by='track')), 'track')],
)
def test_a_label_that_is_missing_is_said_at_the_first_image(options, word):
    samples = labelled()
    del samples[2][word]
    with pytest.raises(ValueError, match=f'2.jpg has no {word}, which .* meta_keys of PackInputs'):
        ReIDMetric(**options).process(None, samples[:3])
    samples[2][word] = None
    with pytest.raises(ValueError, match=f'2.jpg has no {word}'):
        ReIDMetric(**options).process(None, samples[:3])
    with pytest.raises(ValueError, match='the clothes of some images is a number'):
        evaluate(ReIDMetric(), [dict(s, clothes=i or 'a') for i, s in enumerate(labelled())])


@pytest.mark.parametrize(
    'options, error, message',
    [
        (dict(protocol='clothes'), ValueError, 'protocol must be one of'),
        (dict(protocol='clothes_changing', use_cameras=False), ValueError, 'reads the cameras'),
        (dict(protocol='vehicleid', rerank={}), ValueError, 'draws galleries'),
        (dict(protocol='single_gallery_shot', single_shot={}), ValueError, 'draws galleries'),
        (dict(protocol='vehicleid', open_set={}), ValueError, 'draws galleries'),
        (dict(protocol='leave_one_out', pool=dict(by='track')), ValueError, 'single images'),
        (dict(pool=dict(by='camid')), ValueError, 'pool.by'),
        (dict(pool='track'), TypeError, 'pool is a dict'),
        (dict(pool=dict(by='track', how='max')), ValueError, "got 'max'"),
        (dict(pool=dict(by='track', junk=True)), ValueError, 'pool.junk=True'),
        (dict(pool=dict(by='pid_camid'), use_cameras=False), ValueError, 'reads the cameras'),
        (dict(pool=dict(by='pid_camid', junk=True), protocol=PLACES), ValueError, 'pool.junk=True'),
    ],
)
def test_contradictions(options, error, message):
    with pytest.raises(error, match=message):
        ReIDMetric(**options)


def test_pooling_needs_cameras_where_it_reads_them():
    samples = [dict(s, camid=None) for s in labelled()]
    with pytest.raises(ValueError, match='needs the camera of each image'):
        evaluate(ReIDMetric(pool=dict(by='pid_camid')), samples)


def test_the_configs_pass_on_the_labels_that_there_are():
    cfg = Config.fromfile(REPOSITORY / 'configs/_base_/datasets/reid.py')
    options = dict(cfg.val_dataloader.dataset.pipeline.pack)
    assert options.pop('type') == 'reid_fusedloss.PackInputs'
    image = np.zeros((4, 2, 3), np.uint8)
    sample = PackInputs(**options)(dict(img=image, pid=3, clothes='coat'))['data_samples']
    assert (sample.pid, sample.clothes) == (3, 'coat') and 'track' not in sample


def test_features_of_one_set_are_saved_as_one_set():
    metric = dict(type='reid_fusedloss.ReIDMetric')
    assert is_one_set([metric, dict(metric, protocol=dict(type='vehicleid'))]) is True
    assert is_one_set([dict(metric, protocol='clothes_changing')]) is False
    assert is_one_set([metric]) is None  # as the data set says


@pytest.mark.parametrize('protocol', ['leave_one_out', 'same_camera'])
def test_features_are_saved_as_the_data_sets_protocol_says(protocol, tmp_path):
    samples = [dict(s, camid=None) for s in labelled()]
    save = SaveEmbeddings(str(tmp_path / 'f.npz'))
    save.dataset_meta = dict(protocol=protocol)
    evaluate(save, samples)
    with np.load(tmp_path / 'f.npz') as file:
        assert ('query_image' in file.files) == (protocol == 'leave_one_out')
