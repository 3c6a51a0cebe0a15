"""A gallery on Milvus against faiss's exact index, on Milvus Lite as the server."""

import threading
from itertools import count

import numpy as np
import pytest

from reid_fusedloss.search import HNSW, IVF, DiskANN, Entry, GalleryIndex, Rerank, open_milvus
from reid_fusedloss.search.milvus import index as index_module
from reid_fusedloss.search.milvus import nearest
from tests.search.galleries import draw, naive_search
from tests.search.milvus import lite_server

pytest.importorskip('faiss', reason='faiss is not installed')
CAMERAS = [None if row % 7 == 0 else row % 3 for row in range(150)]


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    yield from lite_server(tmp_path_factory.mktemp('milvus'))


@pytest.fixture
def place(server, numbers=count()):  # noqa: B008
    return server(f'c{next(numbers)}')


def names(number, first=0):
    return [f'{first + i:04}.jpg' for i in range(number)]


def fill(index, number=150, **columns):
    index.add(draw(number), names(number), **columns)
    return index


def found(result):
    return [[hit.entry for hit in hits] for hits in result.hits]


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        dict(names=['0004.jpg', 'elsewhere', '0008.jpg']),
        dict(camids=[1, None, 0]),
        dict(names=['0004.jpg', 'elsewhere', '0008.jpg'], camids=[2, 2, 0], threshold=0.3),
        dict(rerank=Rerank(candidates=30), names=['0004.jpg', 'elsewhere', '0008.jpg']),
    ],
    ids=['plain', 'names', 'cameras', 'both, threshold', 're-ranked'],
)
def test_results_are_those_of_faiss(server, options):
    index = open_milvus(server('same'), 12)
    if not len(index):
        fill(index, pids=list(range(150)), camids=CAMERAS, infos=[{'x': 1}] * 150)
    other = fill(GalleryIndex(12), pids=list(range(150)), camids=CAMERAS, infos=[{'x': 1}] * 150)
    queries = draw(150)[[4, 5, 8]]
    ours, theirs = (one.search(queries, 9, **options) for one in (index, other))
    assert found(ours) == found(theirs)
    np.testing.assert_allclose(ours.distances, theirs.distances, atol=1e-6)
    np.testing.assert_allclose(ours.nearest, theirs.nearest, atol=1e-6)
    assert ours.nearest_entries == theirs.nearest_entries
    if 'threshold' in options:
        np.testing.assert_array_equal(ours.known, theirs.known)
    if 'rerank' in options:
        np.testing.assert_allclose(ours.reranked, theirs.reranked, atol=1e-5)


def test_results_are_those_of_a_naive_loop_in_several_requests(place, monkeypatch):
    """Also of labels whose numbers and strings look alike, and of names and labels of any kind."""
    monkeypatch.setattr(index_module, 'rows_at_once', lambda dims: 11)
    monkeypatch.setattr(nearest, 'QUERIES', 3)
    index = open_milvus(place, 12)
    cameras = ['1', 1, None, 'a"\'\\ %', '\udcff'] * 30
    strange = [f'{i:03}' + 'ä\udcff'[i % 2] + '\'"\\.jpg' for i in range(150)]
    index.add(draw(150), strange, camids=cameras)
    queries, own = draw(8, seed=1), ['1', 1, 'a"\'\\ %', '\udcff', None, 2, '', 'a']
    wanted = naive_search(
        queries, draw(150), 6, lambda query, row: own[query] is None or own[query] != cameras[row]
    )
    result = index.search(queries, 6, camids=own)
    assert [[hit.entry.name for hit in hits] for hits in result.hits] == [
        [strange[row] for _, row in pairs] for pairs in wanted
    ]
    assert sorted(entry.name for entry in index.entries) == strange
    assert strange[3] in index.entries and 'x' not in index.entries
    np.testing.assert_allclose(
        index.features(strange[::-1]),
        (draw(150) / np.linalg.norm(draw(150), axis=1, keepdims=True))[::-1],
        atol=1e-6,
    )


def test_equal_distances_are_in_the_order_of_the_names(place):
    index = open_milvus(place, 12)
    index.add(np.repeat(draw(4), 30, axis=0)[::-1], names(120))
    for k in (1, 7, 30):
        hits = index.search(draw(4)[2:3], k).hits[0]
        assert [hit.entry.name for hit in hits] == names(k, 30)


def test_names_exist_once(place):
    index = fill(open_milvus(place, 12), 3, pids=['a', 'b', 'c'])
    new, given = draw(3, seed=9), dict(names=['0001.jpg', 'new', 'new'], pids=['B', 'd', 'e'])
    with pytest.raises(ValueError, match="names exist already.*'0001.jpg'.*duplicates='skip'"):
        index.add(new, **given)
    assert len(index) == 3
    assert index.add(new, **given, duplicates='skip') == ['new']
    assert {entry.pid for entry in index.entries} == {'a', 'b', 'c', 'd'}
    assert index.add(new, **given, duplicates='replace') == ['0001.jpg', 'new']
    assert len(index) == 4 and index.find(['new', '?']) == {'new': Entry('new', 'e')}
    assert index.search(new[2:], 1).hits[0][0].entry.pid == 'e'
    index.remove(['new', '0000.jpg'])
    assert len(index) == 2 and index.search(new[2:], 9).hits[0][0].entry.name != 'new'
    with pytest.raises(ValueError, match="1 of 2 names are not in the gallery, such as 'new'"):
        index.remove(['0001.jpg', 'new'])
    index.remove(['0001.jpg', '0002.jpg'])
    assert not len(index) and index.search(draw(2), 3).hits == [[], []]


def test_settings_are_shared_and_a_model_is_refused_as_by_a_folder(place):
    index = fill(open_milvus(place, 12, model='mine'), 5, pids=[1, 2, 3, 4, None])
    assert index.numeric_labels() == {'pid'} and index.pattern is index.threshold is None
    other = open_milvus(place, 12, model='mine')
    index.pattern, index.threshold = '(?P<pid>.)', 0.25
    assert other.pattern == '(?P<pid>.)' and other.threshold.distance == 0.25
    assert other.search(draw(1), 1).threshold == 0.25
    folder = GalleryIndex(12, model='mine')
    for call in (
        lambda: open_milvus(place, model='yours'),
        lambda: index.add(draw(1), ['c'], model='yours'),
        lambda: index.search(draw(1), model='yours'),
    ):
        with pytest.raises(ValueError, match="of model 'mine', these are of 'yours'") as error:
            call()
        with pytest.raises(ValueError) as same:
            folder.check_model('yours')
        assert str(error.value) == str(same.value)
    with pytest.raises(ValueError, match='of width 12, not 13'):
        open_milvus(place, 13)


def test_labels_are_changed_and_features_stay(place):
    index = fill(open_milvus(place, 12), 9, camids=[1] * 9)
    before = index.features(names(9))
    index.relabel(lambda entry: entry._replace(camid='x') if entry.name < '0003' else entry)
    assert sorted(entry.camid for entry in index.entries if entry.camid != 1) == ['x'] * 3
    np.testing.assert_array_equal(index.features(names(9)), before)
    assert index.numeric_labels() == set()
    with pytest.raises(ValueError, match='must keep the names'):
        index.relabel(lambda entry: entry._replace(name='y'))


@pytest.mark.parametrize(
    'kind, name',
    [(HNSW(ef_search=200), 'HNSW'), (IVF(nlist=4, nprobe=4), 'IVF_FLAT'), (DiskANN(), 'DISKANN')],
)
def test_kinds_of_index(place, kind, name):
    """Lite accepts DISKANN, but what it builds is its own: only the name is checked."""
    index = fill(open_milvus(place, 12)).in_kind(kind)
    assert index.kind == open_milvus(place).kind == kind
    described = index._connection.call('describe_index', 'describe', index_name='vector')
    assert (described['index_type'], described['metric_type']) == (name, 'IP')
    queries = draw(5, seed=1)
    assert found(index.search(queries, 5)) == found(fill(GalleryIndex(12)).search(queries, 5))


def test_what_threads_add_is_found_at_once_by_another_client(place):
    open_milvus(place, 12)
    wrong = []

    def add(first):
        try:
            index, other = open_milvus(place), open_milvus(place)
            for row in range(first, 40, 4):
                index.add(draw(40)[row : row + 1], names(1, row))
                (hits,) = other.search(draw(40)[row : row + 1], 1).hits
                assert hits[0].entry.name == names(1, row)[0]
        except Exception as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=add, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert sorted(entry.name for entry in open_milvus(place).entries) == names(40)


def test_collections_of_others_are_refused(server, place):
    own = open_milvus(place, 12)
    own._connection.client.create_collection('theirs', dimension=12)
    for call in (lambda: open_milvus(server('theirs')), lambda: open_milvus(server('theirs'), 12)):
        with pytest.raises(ValueError, match="'theirs' that this package did not make"):
            call()
    with pytest.raises(FileNotFoundError, match='no gallery at .*#nothing'):
        open_milvus(server('nothing'))


@pytest.mark.parametrize(
    'wrong, text',
    [
        (lambda index: index.search(draw(1), 20000), 'at most 16384 .* k=20000'),
        (lambda index: index.add(draw(1), ['a'], pids=['x' * 2000]), "the pid of 'a' has 2001"),
        (lambda index: index.add(draw(1), ['a' * 70000]), 'more than the 65535'),
        (lambda index: index.in_kind('lsh'), "'diskann', got 'lsh'"),
        (lambda index: GalleryIndex(4, DiskANN()), "got 'diskann'"),
        (lambda index: index.features(['a']), "such as 'a'"),
        (lambda index: open_milvus('a.db', 4, consistency='x'), "consistency must .* got 'x'"),
        (lambda index: open_milvus('a.db', 4, shards=0), 'shards=0'),
    ],
)
def test_wrong_arguments_are_named(server, wrong, text):
    with pytest.raises(ValueError, match=text):
        wrong(open_milvus(server('wrong'), 12))
