"""tools/search.py as a user calls it, in this process, and the gallery that it keeps."""
import csv
import importlib.util
import json
import shutil
import sys

import numpy as np
import pytest

from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.apis.gallery import gallery_of_features, parse_labels, update_gallery
from reid_fusedloss.search import GalleryIndex, load_index
from tests.search.galleries import draw, naive_search
from tests.tiny import REPOSITORY
from tests.visualization.pictures import read, shows

pytest.importorskip('faiss', reason='faiss is not installed')
BLUE, ORANGE, GREY = '#0072B2', '#D55E00', '#969696'


@pytest.fixture
def images(tiny_run, tmp_path):
    """A gallery to change, and queries: one known by name, one not, one broken."""
    shutil.copytree(tiny_run / 'data' / 'bounding_box_test', tmp_path / 'gallery')
    first, second = sorted((tiny_run / 'data' / 'query').iterdir())[:2]
    (tmp_path / 'query').mkdir()
    shutil.copy(first, tmp_path / 'query')
    shutil.copy(second, tmp_path / 'query' / 'who.png')
    (tmp_path / 'query' / 'zz broken.jpg').write_text('no image')
    return tmp_path


@pytest.fixture(scope='module')
def inferencer(tiny_run):
    return ReIDInferencer(tiny_run / 'config.py', tiny_run / 'weights.pth', 'cpu', progress=False)


def start(tiny_run, monkeypatch, *arguments):
    spec = importlib.util.spec_from_file_location('search', REPOSITORY / 'tools' / 'search.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(sys, 'argv', ['search.py', str(tiny_run / 'config.py'), str(
        tiny_run / 'weights.pth'), '--device', 'cpu', *map(str, arguments)])
    return tool.main()


def test_who_is_this(tiny_run, images, inferencer, monkeypatch, capsys):
    out = images / 'out'
    assert not start(tiny_run, monkeypatch, '--query', images / 'query', '--gallery',
                     images / 'gallery', '-k', 4, '--out', out)
    lists = json.loads((out / 'search.json').read_text())
    gallery = inferencer(str(images / 'gallery'))
    queries = inferencer(str(images / 'query'))
    wanted = naive_search(queries.features, gallery.features, 4)
    for query, found in zip(lists['queries'], wanted):
        np.testing.assert_allclose([hit['distance'] for hit in query['gallery']],
                                   [distance for distance, _ in found], atol=1e-5)
        assert query['gallery'][0]['img_path'] == gallery.names[found[0][1]]
    matches = [[hit['match'] for hit in query['gallery']] for query in lists['queries']]
    pid = queries.names[0].split('/')[-1][:4]
    assert matches[0] == [None if hit['pid'] is None else hit['pid'] == pid
                          for hit in lists['queries'][0]['gallery']]
    assert matches[1] == [None] * 4  # nothing is claimed of who.png
    assert [list(lists['unreadable'])[0].endswith('zz broken.jpg')] == [True]
    rows = list(csv.DictReader((out / 'search.csv').open(encoding='utf-8')))
    assert [row['rank'] for row in rows] == list('1234') * 2
    text = capsys.readouterr().out
    assert 'zz broken.jpg' in text and 'who.png: nearest:' in text
    assert shows(read(out / 'search.png'), GREY)


def test_an_index_is_kept_and_only_what_is_new_is_extracted(
        tiny_run, images, inferencer, monkeypatch):
    index = GalleryIndex(inferencer.feat_dims)
    files = sorted((images / 'gallery').iterdir())
    calls = []
    monkeypatch.setattr(inferencer, 'embed', lambda samples, embed=inferencer.embed: (
        calls.extend(samples), embed(samples))[1])
    update = update_gallery(index, inferencer, [str(images / 'gallery')])
    assert len(calls) == len(files) == len(update.added) == len(index)
    shutil.copy(files[0], images / 'gallery' / 'new.png')
    shutil.copy(files[1], files[2])                           # another image in its place
    files[3].write_text('broken now')
    files[4].unlink()
    update = update_gallery(index, inferencer, [str(images / 'gallery')])
    assert len(calls) == len(files) + 2
    assert (update.added, update.changed, update.gone) == (
        [str(images / 'gallery' / 'new.png')], [str(files[2])], [str(files[4])])
    assert list(update.unreadable) == [str(files[3])] and str(files[3]) not in index.entries
    rows = [index.entries.row_of(str(file)) for file in files[1:3]]
    np.testing.assert_allclose(*index.features(rows), atol=1e-6)
    update_gallery(index, inferencer, [str(images / 'gallery')], prune=True)
    assert str(files[4]) not in index.entries and len(calls) == len(files) + 2


def test_open_set_and_reranking_with_an_index(tiny_run, images, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    dims, pids = 64, np.arange(40) % 4
    features = (rng.normal(size=(4, dims))[pids] + rng.normal(size=(40, dims))).astype(np.float32)
    np.savez(images / 'v.npz', query_f=features, gallery_f=features, query_label=pids,
             gallery_label=pids)
    common = ['--query', images / 'query', '--index', images / 'index', '--out', images / 'out']
    assert not start(tiny_run, monkeypatch, *common, '--gallery', images / 'gallery', '--fpr',
                     .01, '--validation', images / 'v.npz', '--kind', 'hnsw')
    kept = load_index(images / 'index')
    assert kept.kind.type == 'hnsw' and kept.threshold.fpr == .01
    assert f'threshold {kept.threshold.distance:.4f}' in capsys.readouterr().out
    assert not start(tiny_run, monkeypatch, *common, '--rerank', '--threshold', -1,
                     '--other-cameras')
    lists = json.loads((images / 'out' / 'search.json').read_text())
    assert [query['answer'][0] for query in lists['queries']] == ['nobody known'] * 2
    first = lists['queries'][0]
    assert all(hit['reranked'] is not None and hit['camid'] != first['camid']
               for hit in first['gallery'])
    picture = read(images / 'out' / 'search.png')
    assert shows(picture, BLUE) or shows(picture, ORANGE)


def test_features_of_a_test_set_and_of_an_extraction(images):
    features = draw(10)
    np.savez(images / 'set.npz', query_f=features, gallery_f=features[:6], query_label=range(10),
             gallery_label=range(6))
    index = gallery_of_features(str(images / 'set.npz'))
    assert [entry.pid for entry in index.entries] == list(range(6)) and index.dims == 12
    assert index.search(features[4:5], 1).hits[0][0].entry.name == 'gallery 4'
    with pytest.raises((ValueError, FileNotFoundError)):
        gallery_of_features(str(images / 'nothing.npz'))


def test_labels_of_names():
    assert parse_labels('a/0002_c1s1_000451_03.jpg') == ('0002', '1')
    assert parse_labels('a/-1_c3s1_000451_03.jpg') == (None, '3')
    assert parse_labels('0002_c1/who.jpg') == (None, None)
    assert parse_labels('BUS_7_cam2.jpg', r'(?P<pid>[A-Z]+_\d+)') == ('BUS_7', None)


@pytest.mark.parametrize('arguments, text', [
    ([], 'nothing to search in'), (['--index', 'nowhere'], 'no gallery in nowhere'),
    (['--gallery', 'nowhere'], 'nowhere'), (['--index', 'i', '--fpr', '.1'], 'go together'),
    (['--index', 'i', '-k', '0'], 'at least 1'), (['--index', 'i', '--threshold', 'nan'], 'nan'),
    (['--features', 'f', '--index', 'i'], 'in place of'),
    (['--gallery', 'query', '--kind', 'ivf', '--kind-options', 'nlist=99'], 'at least 99'),
    (['--gallery', 'query', '--kind', 'flat', '--kind-options', 'nlist=9'], "no \\['nlist'\\]")])
def test_wrong_arguments(tiny_run, images, monkeypatch, capsys, arguments, text):
    monkeypatch.chdir(images)
    assert start(tiny_run, monkeypatch, '--query', 'query', *arguments) == 2
    error = capsys.readouterr().err
    assert __import__('re').search(text, error), error
