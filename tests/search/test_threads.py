"""A gallery that one thread changes while others ask: each answer is of one state, and right."""

import pickle
import sys
import threading
import time

import numpy as np
import pytest

from reid_fusedloss.search import HNSW, IVF, GalleryIndex, Rerank
from tests.search.galleries import draw, unit

faiss = pytest.importorskip('faiss', reason='faiss is not installed')
KINDS = {'flat': 'flat', 'hnsw': HNSW(ef_search=200), 'ivf': IVF(nlist=4, nprobe=4)}
STABLE, CHANGING = 60, 40


@pytest.fixture(autouse=True)
def switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def ask(index, features, stop, wrong):
    """Entries that stay are found at their names; all that is found is at its own distance."""
    units, rng = unit(features), np.random.default_rng(threading.get_ident() % 2**32)
    while not stop.is_set():
        own = rng.integers(STABLE, size=3)
        try:
            result = index.search(features[own], 5, rerank=Rerank(10) if own[0] % 4 == 0 else None)
            for query, hits, nearest in zip(own, result.hits, result.nearest_entries):
                assert nearest.name == f'{query}' and nearest.pid == query
                for hit in hits:
                    distance = 1 - units[query] @ units[int(hit.entry.name)]
                    assert abs(hit.distance - distance) < 1e-5, (hit, distance)
                    assert hit.entry.pid == int(hit.entry.name)
        except Exception as error:  # a thread's own would not be seen
            wrong.append(repr(error))
            return


def change(index, features, number, stop, wrong):
    """Add, replace, relabel and remove the entries of one thread; what is added is there."""
    rows = np.arange(STABLE + number, len(features), 2)
    names = [str(row) for row in rows]
    try:
        while not stop.is_set():
            index.add(features[rows[:9]], names[:9], pids=rows[:9].tolist())
            index.add(features[rows], names, pids=rows.tolist(), duplicates='replace')
            index.relabel(lambda entry: entry._replace(camid=number))
            assert set(names) <= {entry.name for entry in index.entries}
            index.remove(names)
            assert not set(names) & {entry.name for entry in index.entries}
    except Exception as error:
        wrong.append(repr(error))


@pytest.mark.slow
@pytest.mark.parametrize('kind', KINDS)
def test_four_ask_while_two_change(kind):
    features = draw(STABLE + CHANGING)
    index = GalleryIndex(12, KINDS[kind])
    index.add(features[:STABLE], list(map(str, range(STABLE))), pids=list(range(STABLE)))
    stop, wrong = threading.Event(), []
    threads = [threading.Thread(target=ask, args=(index, features, stop, wrong)) for _ in range(4)]
    threads += [
        threading.Thread(target=change, args=(index, features, number, stop, wrong))
        for number in range(2)
    ]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert [entry.name for entry in index.entries] == list(map(str, range(STABLE)))
    np.testing.assert_allclose(index.features(), unit(features[:STABLE]), atol=1e-6)


@pytest.mark.parametrize('kind', KINDS)
def test_a_change_that_fails_leaves_what_was_there(kind, monkeypatch):
    features = draw(STABLE)
    index = GalleryIndex(12, KINDS[kind])
    index.add(features, list(map(str, range(STABLE))))
    before, found = list(index.entries), index.search(features, 5).hits

    def fail(self, *args):
        raise MemoryError('std::bad_alloc')

    with monkeypatch.context() as patch:
        patch.setattr(type(faiss.clone_index(index.vectors)), 'add', fail)
        for call in (
            lambda: index.remove(['3']),
            lambda: index.add(features[:1], ['new']),
            lambda: index.add(features[:2], ['5', 'new'], duplicates='replace'),
        ):
            with pytest.raises(
                MemoryError,
                match="too little memory to change an index of 60 entries: kind='ivfpq'",
            ):
                call()
    assert list(index.entries) == before and index.search(features, 5).hits == found


def test_an_error_of_faiss_says_what_could_not_be_done(monkeypatch):
    index = GalleryIndex(12)
    index.add(draw(5), list('abcde'))

    def fail(*args, **kwargs):
        raise RuntimeError('Error in faiss::x at y.cpp:3:\nsomething is wrong')

    monkeypatch.setattr(type(index.vectors), 'search', fail)
    with pytest.raises(RuntimeError, match='faiss could not search in 5 entries: something is'):
        index.search(draw(1))


def test_a_copy_of_a_gallery():
    index = GalleryIndex(12)
    index.add(draw(5), list('abcde'))
    other = pickle.loads(pickle.dumps(index))
    other.remove(['a'])
    assert len(index) == 5 and index.search(draw(1)).hits[0][0].entry.name == 'a'
    assert other.search(draw(1)).hits[0][0].entry.name != 'a'
