"""tools/search.py as a user calls it, in this process, and the gallery that it keeps."""

import csv
import json
import shutil

import numpy as np
import pytest

from reid_fusedloss.apis import update_gallery
from reid_fusedloss.search import IVF, Entry, GalleryIndex, load_index
from reid_fusedloss.search.report import as_lists, write_report
from tests.search.galleries import draw, naive_search, start
from tests.visualization.pictures import read, shows

pytest.importorskip('faiss', reason='faiss is not installed')
BLUE, ORANGE, GREY = '#0072B2', '#D55E00', '#969696'


def test_who_is_this(tiny_run, images, inferencer, monkeypatch, capsys):
    out = images / 'out'
    assert not start(
        tiny_run,
        monkeypatch,
        '--query',
        images / 'query',
        '--gallery',
        images / 'gallery',
        '-k',
        4,
        '--out',
        out,
    )
    lists = json.loads((out / 'search.json').read_text())
    gallery = inferencer(str(images / 'gallery'))
    queries = inferencer(str(images / 'query'))
    wanted = naive_search(queries.features, gallery.features, 4)
    for query, found in zip(lists['queries'], wanted):
        np.testing.assert_allclose(
            [hit['distance'] for hit in query['gallery']],
            [distance for distance, _ in found],
            atol=1e-5,
        )
        assert query['gallery'][0]['img_path'] == gallery.names[found[0][1]]
    matches = [[hit['match'] for hit in query['gallery']] for query in lists['queries']]
    pid = queries.names[0].split('/')[-1][:4]
    assert matches[0] == [
        None if hit['pid'] is None else hit['pid'] == pid for hit in lists['queries'][0]['gallery']
    ]
    assert matches[1] == [None] * 4  # nothing is claimed of who.png
    assert [list(lists['unreadable'])[0].endswith('zz broken.jpg')] == [True]
    rows = list(csv.DictReader((out / 'search.csv').open(encoding='utf-8')))
    assert [row['rank'] for row in rows] == list('1234') * 2
    text = capsys.readouterr().out
    assert 'zz broken.jpg' in text and 'who.png: nearest:' in text
    assert shows(read(out / 'search.png'), GREY)


@pytest.mark.slow
def test_an_index_is_kept_and_only_what_is_new_is_extracted(
    tiny_run, images, inferencer, monkeypatch
):
    index = GalleryIndex(inferencer.feat_dims)
    files = sorted((images / 'gallery').iterdir())
    calls = []
    monkeypatch.setattr(
        inferencer,
        'embed',
        lambda samples, embed=inferencer.embed: (calls.extend(samples), embed(samples))[1],
    )
    update = update_gallery(index, inferencer, [str(images / 'gallery')])
    assert len(calls) == len(files) == len(update.added) == len(index)
    shutil.copy(files[0], images / 'gallery' / 'new.png')
    shutil.copy(files[1], files[2])  # another image in its place
    files[3].write_text('broken now')
    files[4].unlink()
    update = update_gallery(index, inferencer, [str(images / 'gallery')])
    assert len(calls) == len(files) + 2
    assert (update.added, update.changed, update.gone) == (
        [str(images / 'gallery' / 'new.png')],
        [str(files[2])],
        [str(files[4])],
    )
    assert list(update.unreadable) == [str(files[3])] and str(files[3]) not in index.entries
    rows = [index.entries.row_of(str(file)) for file in files[1:3]]
    np.testing.assert_allclose(*index.features(rows), atol=1e-6)
    update_gallery(index, inferencer, [str(images / 'gallery')], prune=True)
    assert str(files[4]) not in index.entries and len(calls) == len(files) + 2


@pytest.mark.slow
def test_open_set_and_reranking_with_an_index(tiny_run, images, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    dims, pids = 64, np.arange(40) % 4
    features = (rng.normal(size=(4, dims))[pids] + rng.normal(size=(40, dims))).astype(np.float32)
    np.savez(
        images / 'v.npz', query_f=features, gallery_f=features, query_label=pids, gallery_label=pids
    )
    common = ['--query', images / 'query', '--index', images / 'index', '--out', images / 'out']
    assert not start(
        tiny_run,
        monkeypatch,
        *common,
        '--gallery',
        images / 'gallery',
        '--fpir',
        0.1,
        '--validation',
        images / 'v.npz',
        '--kind',
        'hnsw',
    )
    kept = load_index(images / 'index')
    threshold = kept.threshold
    assert kept.kind.type == 'hnsw' and (threshold.fpir, threshold.num_strangers) == (0.1, 40)
    assert threshold.gallery_size == len(kept) and threshold.model == kept.model is not None
    pids = [entry.pid for entry in kept.entries]
    assert threshold.gallery_people == len(set(pids) - {None}) + pids.count(None) < len(kept)
    said = capsys.readouterr()
    assert f'threshold {threshold.distance:.4f}: FPIR 0.1 in a gallery of' in said.out
    assert 'warning' not in said.err
    assert not start(
        tiny_run, monkeypatch, *common, '--rerank', '--threshold', -1, '--other-cameras'
    )
    lists = json.loads((images / 'out' / 'search.json').read_text())
    assert [query['answer'][0] for query in lists['queries']] == ['no match'] * 2
    first = lists['queries'][0]
    assert all(
        hit['reranked'] is not None and hit['camid'] != first['camid'] for hit in first['gallery']
    )
    picture = read(images / 'out' / 'search.png')
    assert shows(picture, BLUE) or shows(picture, ORANGE)


@pytest.mark.slow
def test_a_gallery_that_has_outgrown_its_threshold(tiny_run, images, monkeypatch, capsys):
    files = sorted((images / 'gallery').iterdir())
    query = ['--query', images / 'query', '--index', images / 'index', '--out', images / 'out']
    features = draw(40, 64)
    np.savez(
        images / 'v.npz',
        query_f=features,
        gallery_f=features,
        query_label=range(40),
        gallery_label=range(40),
    )
    validation = ['--fpir', 0.05, '--validation', images / 'v.npz']
    assert not start(tiny_run, monkeypatch, *query, '--gallery', files[0], files[1], *validation)
    chosen = load_index(images / 'index').threshold
    assert chosen.gallery_size == 2
    capsys.readouterr()
    assert not start(tiny_run, monkeypatch, *query, '--gallery', images / 'gallery')
    said = capsys.readouterr().err
    assert said.count('warning: ') == 1
    assert f'the gallery has {len(files)} entries' in said and 'the 2 that its threshold' in said
    assert load_index(images / 'index').threshold == chosen
    assert not start(tiny_run, monkeypatch, *query, '--threshold', 0.3)
    assert 'warning' not in capsys.readouterr().err
    assert not start(tiny_run, monkeypatch, *query, *validation)
    assert 'warning' not in capsys.readouterr().err
    assert load_index(images / 'index').threshold.distance < chosen.distance


@pytest.mark.slow
def test_features_are_kept_where_no_threshold_can_be_chosen(tiny_run, images, monkeypatch, capsys):
    features = draw(10, 64)
    np.savez(
        images / 'v.npz',
        query_f=features,
        gallery_f=features[:2],
        query_label=range(10),
        gallery_label=range(2),
    )
    assert (
        start(
            tiny_run,
            monkeypatch,
            '--query',
            images / 'query',
            '--index',
            images / 'index',
            '--gallery',
            images / 'gallery',
            '--fpir',
            0.1,
            '--validation',
            images / 'v.npz',
        )
        == 2
    )
    error = capsys.readouterr().err
    assert 'in the 2 of the validation set, and FPIR' in error and 'there are 10' in error
    kept = load_index(images / 'index')
    assert len(kept) == len(list((images / 'gallery').iterdir())) and kept.threshold is None


def test_a_report_that_cannot_be_written_leaves_the_old(tmp_path, monkeypatch):
    lists = as_lists([Entry('q')], GalleryIndex(2).search(np.ones((1, 2), np.float32)))
    write_report(lists, {}, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before.keys() == {'search.json', 'search.csv'}

    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr('reid_fusedloss.whole_file.os.replace', fail)
    with pytest.raises(OSError, match='disk full'):
        write_report(lists, {'a.jpg': 'broken'}, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_prune_leaves_what_never_was_a_file(images, inferencer):
    index = GalleryIndex(inferencer.feat_dims)
    index.add(draw(1, inferencer.feat_dims), ['street.mp4#frame1/id3'], infos=[{'track': 3}])
    gone = images / 'gallery' / 'gone.png'
    shutil.copy(next((images / 'query').glob('who*')), gone)
    update_gallery(index, inferencer, [gone])
    gone.unlink()
    update = update_gallery(index, inferencer, [images / 'gallery'], prune=True)
    assert update.gone == [str(gone)] and str(gone) not in index.entries
    assert 'street.mp4#frame1/id3' in index.entries


def test_another_pattern_is_applied_to_what_is_there_too(images, inferencer, embedded):
    index = GalleryIndex(inferencer.feat_dims)
    index.add(draw(1, inferencer.feat_dims), ['by hand'], pids=['mine'])
    inputs = [str(images / 'gallery')]
    update_gallery(index, inferencer, inputs)
    count, before = len(embedded), index.features()
    with pytest.raises(ValueError, match='no group'):
        update_gallery(index, inferencer, inputs, pattern='x')
    other = r'-?\d+_c(?P<pid>\d+)'  # the camera is the identity
    update_gallery(index, inferencer, inputs, pattern=other)
    shutil.copy(index.entries[1].name, images / 'gallery' / '0001_c9.png')
    update_gallery(index, inferencer, inputs)  # the pattern stays
    assert len(embedded) == count + 1 and index.pattern == other
    assert [entry.pid for entry in index.entries] == [
        'mine',
        *(entry.name.split('_c')[-1][0] for entry in list(index.entries)[1:-1]),
        '9',
    ]
    np.testing.assert_array_equal(index.features()[:-1], before)


@pytest.mark.slow
def test_a_kind_that_is_given_again_builds_nothing(tiny_run, images, monkeypatch):
    common = ['--query', images / 'query', '--index', images / 'index', '--out', images / 'out']
    assert not start(
        tiny_run,
        monkeypatch,
        *common,
        '--gallery',
        images / 'gallery',
        '--kind',
        'ivf',
        '--kind-options',
        'nlist=3',
    )
    with monkeypatch.context() as patch:
        patch.setattr(GalleryIndex, 'rebuilt', None)
        assert not start(tiny_run, patch, *common, '--kind', 'ivf')
        assert not start(tiny_run, patch, *common, '--kind', 'ivf', '--kind-options', 'nprobe=2')
    assert load_index(images / 'index').kind == IVF(nlist=3, nprobe=2)
    assert not start(tiny_run, monkeypatch, *common, '--kind', 'ivf', '--kind-options', 'nlist=2')
    assert load_index(images / 'index').kind == IVF(nlist=2, nprobe=2)


@pytest.mark.slow
def test_lists_of_queries_and_a_gallery_that_is_gone(tiny_run, images, monkeypatch, capsys):
    monkeypatch.chdir(images)
    (images / 'list.txt').write_text('query/who.png\n')
    one = sorted((images / 'gallery').iterdir())[:2]
    for path in sorted((images / 'gallery').iterdir())[2:]:
        path.unlink()
    common = ['--query', 'list.txt', '--gallery', 'gallery', '--index', 'index']
    assert not start(tiny_run, monkeypatch, *common)
    one[0].unlink()
    assert not start(tiny_run, monkeypatch, *common)
    out = capsys.readouterr().out
    assert '1 gone (--prune removes them)' in out and 'who.png: nearest' in out
    one[1].write_text('broken')
    assert start(tiny_run, monkeypatch, *common, '--prune') == 2
    said = capsys.readouterr()
    assert 'the gallery is empty' in said.err and ', 1 gone\n' in said.out


def test_a_folder_of_images_is_one_query(tiny_run, images, inferencer, monkeypatch, capsys):
    files = sorted((images / 'gallery').iterdir())
    for name, chosen in (('anna', files[:3]), ('bert', files[3:4])):
        (images / 'people' / name).mkdir(parents=True)
        for file in chosen:
            shutil.move(file, images / 'people' / name)
    out, people = images / 'out', images / 'people'
    common = ['--query', people, '--per-folder', '-k', 4, '--out', out]
    gallery = images / 'gallery'
    assert not start(tiny_run, monkeypatch, *common, '--gallery', gallery)
    found = json.loads((out / 'search.json').read_text())['queries']
    assert [query['name'] for query in found] == [str(people / 'anna'), str(people / 'bert')]
    assert [len(query['images']) for query in found] == [3, 1]
    entries = inferencer(str(gallery))
    for query in found:
        units = inferencer(query['images']).features
        mean = np.stack(units).mean(axis=0)
        ((*wanted,),) = naive_search(mean[None], entries.features, 4)
        np.testing.assert_allclose(
            [hit['distance'] for hit in query['gallery']], [value for value, _ in wanted], atol=1e-5
        )
        assert query['gallery'][0]['img_path'] == entries.names[wanted[0][1]]
    rows = list(csv.DictReader((out / 'search.csv').open(encoding='utf-8')))
    assert [row['query'] for row in rows] == [str(people / 'anna')] * 4 + [str(people / 'bert')] * 4
    assert f'{people / "anna"} (3 images): nearest:' in capsys.readouterr().out
    assert start(tiny_run, monkeypatch, *common, '--gallery', gallery, people, '--recursive') == 2
    assert '4 query images are in the gallery' in capsys.readouterr().err
