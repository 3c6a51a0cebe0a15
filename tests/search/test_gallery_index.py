"""The index against a naive loop, against the package's ranking, and against itself."""

import numpy as np
import pytest
import torch

from reid_fusedloss.functional import cosine_distance, ranking_lists
from reid_fusedloss.search import HNSW, IVF, IVFPQ, Flat, GalleryIndex
from tests.search.galleries import draw, naive_search, rows_of

faiss = pytest.importorskip('faiss', reason='faiss is not installed')
KINDS = {
    'flat': Flat(),
    'hnsw': HNSW(ef_search=200),
    'ivf': IVF(nlist=5, nprobe=5),
    'ivfpq': IVFPQ(nlist=2, nprobe=2, m=4),
}
EXACT = ('flat', 'hnsw', 'ivf')


def names(count, first=0):
    return [f'{first + i}.jpg' for i in range(count)]


def filled(kind='flat', count=150, **columns):
    index = GalleryIndex(12, kind)
    index.add(draw(count), names(count), **columns)
    return index


@pytest.mark.parametrize('kind', EXACT)
@pytest.mark.parametrize('queries', [1, 30])
def test_search_is_that_of_a_naive_loop(kind, queries):
    queries = draw(queries, seed=1)
    result = filled(KINDS[kind]).search(queries, 7)
    wanted = naive_search(queries, draw(150), 7)
    assert rows_of(result) == [[row for _, row in found] for found in wanted]
    np.testing.assert_allclose(
        result.distances, [[d for d, _ in found] for found in wanted], atol=1e-6
    )
    assert [hit.entry.name for hit in result.hits[0]] == [f'{row}.jpg' for row in result.rows[0]]
    np.testing.assert_array_equal(result.nearest, result.distances[:, 0])


def test_flat_is_the_ranking_of_the_metrics():
    queries, gallery = draw(20, seed=1), draw(150)
    distances = cosine_distance(torch.from_numpy(queries), torch.from_numpy(gallery))
    lists = ranking_lists(distances, np.zeros(20, int), np.arange(150), k=10)
    np.testing.assert_array_equal(filled().search(queries, 10).rows, lists.indices)


def test_features_of_another_back_end_give_the_same_ranking():
    """As those of an exported model: equal but for rounding."""
    gallery, queries = draw(150), draw(20, seed=1)
    noise = np.random.default_rng(2).uniform(-1e-6, 1e-6, size=gallery.shape).astype(np.float32)
    other = GalleryIndex(12)
    other.add(gallery + noise, names(150))
    np.testing.assert_array_equal(filled().search(queries, 10).rows, other.search(queries, 10).rows)


def test_pq_finds_the_entries_themselves_among_the_first():
    result = filled(KINDS['ivfpq'], 300).search(draw(300)[:40], 10)
    assert all(row in found for row, found in enumerate(result.rows))


@pytest.mark.parametrize('kind', ['flat', 'ivf', 'hnsw'])
def test_equal_distances_are_in_the_order_of_the_rows(kind):
    gallery = np.repeat(draw(4), 30, axis=0)  # four features, thirty times each
    index = GalleryIndex(12, KINDS[kind])
    index.add(gallery, names(120))
    for k in (1, 7, 30):
        np.testing.assert_array_equal(index.search(draw(4)[2:3], k).rows, [60 + np.arange(k)])


@pytest.mark.parametrize('kind', KINDS)
def test_adding_in_parts_is_adding_at_once(kind):
    gallery = draw(300)
    index = GalleryIndex(12, KINDS[kind])
    for first, stop in ((0, 280), (280, 281), (281, 300)):
        index.add(gallery[first:stop], names(stop - first, first))
    whole = GalleryIndex(12, KINDS[kind])
    whole.add(gallery[:280], names(280))  # what trains is the same
    whole.add(gallery[280:], names(20, 280))
    queries = draw(10, seed=1)
    np.testing.assert_array_equal(index.search(queries, 300).rows, whole.search(queries, 300).rows)
    assert list(index.entries) == list(whole.entries) and len(index) == 300
    if kind != 'ivfpq':
        unit = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
        np.testing.assert_allclose(index.features(), unit, atol=1e-6)


@pytest.mark.parametrize('kind', EXACT)
def test_removed_entries_are_gone_and_the_others_move_up(kind):
    index = filled(KINDS[kind])
    gone = [0, 70, 149]
    index.remove([f'{row}.jpg' for row in gone])
    kept = [row for row in range(150) if row not in gone]
    wanted = naive_search(draw(5, seed=1), draw(150)[kept], 9)
    result = index.search(draw(5, seed=1), 9)
    assert rows_of(result) == [[row for _, row in found] for found in wanted]
    assert [hit.entry.name for hit in result.hits[0]] == [
        f'{kept[row]}.jpg' for row in result.rows[0]
    ]
    index.remove([entry.name for entry in index.entries])
    assert not len(index) and index.search(draw(2), 3).hits == [[], []]


def test_duplicates_are_refused_skipped_or_replaced():
    index = filled(count=3, pids=['a', 'b', 'c'])
    new, given = draw(3, seed=9), dict(names=['1.jpg', 'new', 'new'], pids=['B', 'd', 'e'])
    with pytest.raises(ValueError, match="names exist already.*'1.jpg'.*duplicates='skip'"):
        index.add(new, **given)
    assert len(index) == 3
    assert index.add(new, **given, duplicates='skip') == ['new']
    assert [entry.pid for entry in index.entries] == ['a', 'b', 'c', 'd']
    index = filled(count=3, pids=['a', 'b', 'c'])
    assert index.add(new, **given, duplicates='replace') == ['1.jpg', 'new']
    assert [entry.pid for entry in index.entries] == ['a', 'c', 'B', 'e']
    assert index.search(new[2:]).hits[0][0].entry.pid == 'e'


@pytest.mark.parametrize('kind', EXACT)
def test_own_file_and_own_camera_are_left_out(kind):
    cameras = [row % 3 for row in range(150)]
    index = filled(KINDS[kind], camids=cameras)
    queries, own = draw(150)[[4, 5, 8]], ['4.jpg', 'elsewhere', '8.jpg']
    for camids in (None, [1, None, 0]):
        wanted = naive_search(
            queries,
            draw(150),
            6,
            lambda query, row: (
                own[query] != f'{row}.jpg'
                and (camids is None or camids[query] is None or camids[query] != cameras[row])
            ),
        )
        result = index.search(queries, 6, names=own, camids=camids)
        assert rows_of(result) == [[row for _, row in found] for found in wanted]


def test_fewer_than_k():
    index = filled(count=5, camids=[0, 0, 0, 0, 1])
    assert index.search(draw(2, seed=1), 100).distances.shape == (2, 5)
    result = index.search(draw(2, seed=1), 3, camids=[0, 1], threshold=-1)
    assert list(map(len, result.hits)) == [1, 3]
    np.testing.assert_array_equal(result.rows[0], [4, -1, -1])
    assert np.isinf(result.distances[0, 1:]).all() and not result.known.any()
    assert filled(IVF(nlist=5, nprobe=1)).search(draw(1, seed=1), 150).rows[0, -1] == -1


def test_rebuilt_in_another_kind():
    index = filled(pids=list(range(150)))
    other = index.rebuilt(IVF(nlist=5, nprobe=5))
    queries = draw(4, seed=1)
    np.testing.assert_array_equal(index.search(queries).rows, other.search(queries).rows)
    assert list(other.entries) == list(index.entries)
    other.kind = IVF(nlist=5, nprobe=1)
    assert (other.search(queries, 150).rows < 0).any()
    with pytest.raises(ValueError, match='rebuilt'):
        other.kind = 'flat'
    assert filled('ivf').kind.nlist == 3  # 150 / 39


def test_numbers_of_the_build_stay_when_those_of_the_search_are_set():
    index = filled(IVF(nlist=15))
    vectors = index.vectors
    for asked in (dict(type='ivf', nprobe=4), IVF(nprobe=4), IVF(nlist=15, nprobe=4)):
        index.kind = 'ivf'
        index.kind = asked
        assert index.kind == IVF(nlist=15, nprobe=4) and index.vectors is vectors
    graph = filled(HNSW(M=5))
    graph.kind = dict(type='hnsw', ef_search=9)
    assert graph.kind == HNSW(M=5, ef_search=9)
    for one, asked in ((index, IVF(nlist=14)), (graph, HNSW(ef_search=9)), (graph, 'ivf')):
        before = one.kind
        with pytest.raises(ValueError, match='rebuilt'):
            one.kind = asked
        assert one.kind == before


def test_nothing_is_rebuilt_from_approximations():
    index = filled(KINDS['ivfpq'], 300)
    for kind in ('flat', KINDS['ivfpq']):
        with pytest.raises(ValueError, match='approximations.*again from the images'):
            index.rebuilt(kind)


@pytest.mark.parametrize(
    'features, text',
    [
        (draw(2, 11), 'width 12, these are of width 11'),
        (draw(2) * np.nan, 'NaN'),
        (draw(2)[0], 'shape'),
        (np.zeros((2, 12), int), 'floating'),
    ],
)
def test_wrong_features_are_refused(features, text):
    index = filled()
    with pytest.raises((ValueError, TypeError), match=text):
        index.add(features, ['a', 'b'])
    with pytest.raises((ValueError, TypeError), match=text):
        index.search(features)
    assert len(index) == 150


def test_features_of_another_model_are_refused():
    index = GalleryIndex(12, model='mine')
    index.add(draw(2), ['a', 'b'], model='mine')
    for call in (
        lambda: index.add(draw(1), ['c'], model='yours'),
        lambda: index.search(draw(1), model='yours'),
    ):
        with pytest.raises(ValueError, match="of model 'mine', these are of 'yours'"):
            call()


@pytest.mark.parametrize(
    'wrong, text',
    [
        (lambda: GalleryIndex(0), 'dims'),
        (lambda: GalleryIndex(4, 'lsh'), 'lsh'),
        (lambda: GalleryIndex(4, dict(type='flat', nlist=3)), 'nlist'),
        (lambda: GalleryIndex(4, 3), 'kind'),
        (lambda: GalleryIndex(4, model=3), 'model'),
        (lambda: IVF(nlist=0), 'nlist'),
        (lambda: HNSW(M=1), 'M'),
        (lambda: IVFPQ(m=1.5), 'm='),
        (lambda: filled().search(draw(1), 0), 'k='),
        (lambda: filled().remove(['x']), "'x'"),
        (lambda: filled().remove('0.jpg'), 'sequence'),
        (lambda: filled().search(draw(2), names=['a']), '1 names'),
        (lambda: filled().add(draw(2), ['a']), '2 features, but 1 names'),
        (lambda: filled().add(draw(1), ['a'], pids=[1.5]), '1.5'),
        (lambda: filled().add(draw(1), ['a'], infos=[{'x': object()}]), 'JSON'),
        (lambda: filled().add(draw(1), ['a'], pids=[1, 2]), 'length'),
        (lambda: filled().search(draw(1), threshold='near'), 'threshold'),
        (
            lambda: filled().search(draw(1), rerank=True),
            r'rerank=True must be a Rerank\(\) or None',
        ),
        (lambda: setattr(filled(), 'threshold', 'near'), "distance='near'"),
        (lambda: filled(IVF(nlist=151)), 'at least 151, got 150.*flat'),
        (lambda: filled(IVFPQ(m=4)), 'at least 256'),
        (lambda: filled(IVFPQ(m=5), 300), 'divisor'),
    ],
)
def test_wrong_arguments_are_named(wrong, text):
    with pytest.raises((ValueError, TypeError), match=text):
        wrong()


def test_a_missing_faiss_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'faiss', None)
    with pytest.raises(ImportError, match=r"pip install 'reid_fusedloss\[search\]'"):
        GalleryIndex(4)
