"""What a search knows of its queries and files: labels, cameras, names."""

import json

import numpy as np
import pytest

from reid_fusedloss.apis import model_id
from reid_fusedloss.apis.extract_files import extract_to_folder
from reid_fusedloss.apis.gallery import gallery_of_features
from reid_fusedloss.apis.labels import parse_labels
from reid_fusedloss.apis.work_list import WorkList
from reid_fusedloss.search import Entry
from reid_fusedloss.search.entries import numeric_labels, with_numbers
from tests.search.galleries import draw, start

pytest.importorskip('faiss', reason='faiss is not installed')


def test_features_of_a_test_set_and_of_an_extraction(images):
    features = draw(10)
    np.savez(
        images / 'set.npz',
        query_f=features,
        gallery_f=features[:6],
        query_label=range(10),
        gallery_label=range(6),
    )
    index = gallery_of_features(str(images / 'set.npz'))
    assert [entry.pid for entry in index.entries] == list(range(6)) and index.dims == 12
    assert index.search(features[4:5], 1).hits[0][0].entry.name == 'gallery 4'
    with pytest.raises((ValueError, FileNotFoundError)):
        gallery_of_features(str(images / 'nothing.npz'))
    (images / 'torn.npz').write_bytes((images / 'set.npz').read_bytes()[:-40])
    with pytest.raises(ValueError, match='torn.npz'):
        gallery_of_features(str(images / 'torn.npz'))


def test_a_query_has_the_form_of_the_labels_it_is_compared_with():
    queries = [Entry('a', '0007', '1'), Entry('b', 'x7', None)]
    assert with_numbers(queries, numeric_labels([Entry('', 7, 'c'), Entry('', None, 'd')])) == [
        Entry('a', 7, '1'),
        Entry('b', 'x7', None),
    ]
    assert with_numbers(queries, numeric_labels([Entry('', 7, 1), Entry('', '7', 1)])) == [
        Entry('a', '0007', 1),
        Entry('b', 'x7', None),
    ]
    assert with_numbers(queries, numeric_labels([])) == queries


@pytest.mark.slow
def test_features_of_a_test_set_know_the_query_and_its_camera(
    tiny_run, images, inferencer, monkeypatch
):
    gallery = inferencer(str(images / 'gallery'))
    labels = [parse_labels(name) for name in gallery.names]
    pids, cams = ([int(label or 0) for label in column] for column in zip(*labels))
    np.savez(
        images / 'set.npz',
        query_f=gallery.features[:1],
        query_label=pids[:1],
        query_cam=cams[:1],
        gallery_f=gallery.features,
        gallery_label=pids,
        gallery_cam=cams,
    )
    query = next(path for path in (images / 'query').iterdir() if path.name[0] == '0')
    pid, camid = map(int, parse_labels(query.name))
    assert not start(
        tiny_run,
        monkeypatch,
        '--query',
        query,
        '--features',
        images / 'set.npz',
        '-k',
        99,
        '--other-cameras',
        '--out',
        images / 'out',
    )
    hits = json.loads((images / 'out' / 'search.json').read_text())['queries'][0]['gallery']
    assert len(hits) == sum(cam != camid for cam in cams) < len(cams)
    assert (
        sum(hit['match'] for hit in hits)
        == sum((label, cam) == (pid, cam) != (pid, camid) for label, cam in zip(pids, cams))
        > 0
    )


@pytest.mark.slow
def test_a_folder_of_features_knows_its_model_and_its_files(
    tiny_run, images, inferencer, monkeypatch, capsys
):
    monkeypatch.chdir(images)
    extract_to_folder(inferencer, WorkList(['gallery']), images / 'features')
    assert gallery_of_features('features').model == model_id(inferencer)
    own = sorted((images / 'gallery').iterdir())[0]
    common = ['--query', own, '--features', 'features', '--out', 'out']
    np.savez(
        'v.npz',
        query_f=inferencer([own]).features.repeat(9, 0),
        query_label=range(9),
        gallery_f=inferencer([own]).features.repeat(50, 0),
        gallery_label=range(50),
    )
    assert not start(tiny_run, monkeypatch, *common, '--fpir', 0.5, '--validation', 'v.npz')
    (query,) = json.loads((images / 'out' / 'search.json').read_text())['queries']
    assert query['known'] is not None
    assert query['gallery'] and str(own) not in [hit['img_path'] for hit in query['gallery']]
    manifest = json.loads((images / 'features' / 'manifest.json').read_text())
    manifest['made_by']['weights'] = 'others'
    (images / 'features' / 'manifest.json').write_text(json.dumps(manifest))
    assert start(tiny_run, monkeypatch, *common) == 2
    assert 'distances between them mean nothing' in capsys.readouterr().err


@pytest.mark.slow
def test_a_pattern_holds_for_an_index_alone(tiny_run, images, monkeypatch, capsys):
    common = ['--query', images / 'query', '--index', images / 'index', '--out', images / 'out']
    assert not start(tiny_run, monkeypatch, *common, '--gallery', images / 'gallery')
    for given in ([r'--pattern=-?\d+_c(?P<pid>\d+)'], []):  # the second time it is remembered
        assert not start(tiny_run, monkeypatch, *common, *given)
        for query in json.loads((images / 'out' / 'search.json').read_text())['queries']:
            assert query['pid'] == (None if 'who' in query['img_path'] else '1')
            assert {hit['pid'] for hit in query['gallery']} == {'1', '2'}
    assert start(tiny_run, monkeypatch, *common, '--pattern', '(') == 2
    assert 'is not a regular expression' in capsys.readouterr().err


def test_labels_of_names():
    assert parse_labels('a/0002_c1s1_000451_03.jpg') == ('0002', '1')
    assert parse_labels('a/-1_c3s1_000451_03.jpg') == (None, '3')
    assert parse_labels('0002_c1/who.jpg') == (None, None)
    assert parse_labels('BUS_7_cam2.jpg', r'(?P<pid>[A-Z]+_\d+)') == ('BUS_7', None)
