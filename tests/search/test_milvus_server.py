"""Galleries on Milvus by the commands, from several processes, and when the server is away."""

import fcntl
import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from reid_fusedloss.apis import ReIDInferencer, gallery_additions, model_id, update_gallery
from reid_fusedloss.search import load_index, open_milvus
from reid_fusedloss.web.answers import Answers, QuestionError
from tests.search.galleries import draw, start
from tests.search.milvus import lite_server, write

pytest.importorskip('faiss', reason='faiss is not installed')
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    yield from lite_server(tmp_path_factory.mktemp('milvus'))


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_two_processes_write_at_once(tmp_path, free_port):
    """One worker: Lite's server leaves it to its clients not to write to a collection at once."""
    pytest.importorskip('milvus_lite', reason='Milvus Lite is not installed')
    place = f'http://127.0.0.1:{free_port}'
    command = [sys.executable, '-m', 'milvus_lite', 'server', '--data-dir', tmp_path / 'data']
    command += ['--host', '127.0.0.1', '--port', str(free_port), '--max-workers', '1']
    lite = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if not probe.connect_ex(('127.0.0.1', free_port)):
                    break
            time.sleep(0.1)
        count, index = 80, open_milvus(place, 12, model='mine')
        code = f'from tests.search.milvus import write; write({place!r}, 0, {count})'
        other = subprocess.Popen([sys.executable, '-c', code], cwd=ROOT)
        while not len(index) and other.poll() is None:
            time.sleep(0.1)
        write(place, 1, count)
        assert other.wait() == 0
        names = [f'{row:03}' for row in range(count)]
        assert sorted(entry.name for entry in index.entries) == names
        hits = index.search(draw(count), 1).hits
        assert [hit[0].entry.name for hit in hits] == names
    finally:
        lite.terminate()
        lite.wait()


def lists(folder):
    """What was found of each query, with distances of four digits."""
    found = json.loads((folder / 'search.json').read_text())
    return [
        [(hit['img_path'], hit['match'], round(hit['distance'], 4)) for hit in query['gallery']]
        for query in found['queries']
    ]


@pytest.mark.slow
def test_the_command_finds_the_same_as_in_a_folder(
    tiny_run, images, server, monkeypatch, embedded, capsys
):
    common = ['--query', images / 'query', '--gallery', images / 'gallery', '--other-cameras']
    for name, place in (('files', images / 'index'), ('server', server('command'))):
        assert not start(tiny_run, monkeypatch, *common, '--index', place, '--out', images / name)
    assert lists(images / 'server') == lists(images / 'files')
    files = sorted((images / 'gallery').iterdir())
    embedded.clear()
    files[0].unlink()
    shutil.copy(files[1], images / 'gallery' / 'new.png')
    common += ['--index', server('command'), '--out', images / 'server']
    assert not start(tiny_run, monkeypatch, *common, '--prune', '--pattern', '(?P<pid>0)')
    assert len(embedded) == 1 + 2 + 1  # the width, the queries, the new one
    assert f'{len(files)} entries; 1 added, 0 changed, 1 gone' in capsys.readouterr().out
    index = open_milvus(server('command'))
    assert {entry.name for entry in index.entries} == {
        str(path) for path in (images / 'gallery').iterdir()
    }
    assert {entry.pid for entry in index.entries} <= {'0', None}
    assert index.model == load_index(images / 'index').model


def test_a_stop_keeps_what_is_done(images, inferencer, server, monkeypatch):
    embed, calls = ReIDInferencer.embed, []

    def stop(self, samples):
        calls.extend(samples)
        if len(calls) > 6:
            raise KeyboardInterrupt
        return embed(self, samples)

    monkeypatch.setattr(gallery_additions, 'AT_ONCE', 3)
    index = open_milvus(server('stop'), inferencer.feat_dims, model=model_id(inferencer))
    with monkeypatch.context() as patch:
        patch.setattr(ReIDInferencer, 'embed', stop)
        with pytest.raises(KeyboardInterrupt):
            update_gallery(index, inferencer, [images / 'gallery'])
    count = len(list((images / 'gallery').iterdir()))
    assert len(index) == 6
    assert len(update_gallery(index, inferencer, [images / 'gallery']).added) == count - 6


def test_the_page_answers_from_a_server(images, inferencer, server, monkeypatch):
    index = open_milvus(server('page'), inferencer.feat_dims, model=model_id(inferencer))
    update_gallery(index, inferencer, [images / 'gallery'])
    answers = Answers(inferencer, index)
    assert answers.grows and answers.current() is index
    answer = answers.ask(str(images / 'query' / 'who.png'), 3)
    (hits,) = index.search(inferencer(str(images / 'query' / 'who.png')).features, 3).hits
    assert [hit.entry.name for hit in answer.hits] == [hit.entry.name for hit in hits]
    monkeypatch.setattr(index, '_search', _away)
    with pytest.raises(QuestionError, match='The gallery cannot be reached: away'):
        answers.ask(str(images / 'query' / 'who.png'), 3)


def _away(*args):
    raise ConnectionError('away')


def test_a_server_that_is_away_is_named_in_one_line(
    tiny_run, images, monkeypatch, capsys, free_port
):
    pytest.importorskip('pymilvus', reason='pymilvus is not installed')
    began = time.monotonic()
    place = f'http://me:secret@127.0.0.1:{free_port}'
    arguments = ['--query', images / 'query', '--gallery', images / 'gallery', '--index', place]
    assert start(tiny_run, monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert time.monotonic() - began < 60
    assert f'the Milvus server http://127.0.0.1:{free_port} does not answer' in said.err
    assert said.err.count('\n') == 1 and 'secret' not in said.err + said.out


def test_a_silent_server_is_given_up_in_seconds(monkeypatch):
    """It takes the connection and never answers."""
    pytest.importorskip('pymilvus', reason='pymilvus is not installed')
    from reid_fusedloss.search.milvus import connection

    monkeypatch.setattr(connection, 'CONNECT_TIMEOUT', 0.5)
    with socket.socket() as silent:
        silent.bind(('127.0.0.1', 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(ConnectionError, match='does not answer within 0.5 s'):
            open_milvus(f'http://127.0.0.1:{silent.getsockname()[1]}')
        assert time.monotonic() - began < 20


def test_lite_is_for_one_process(tmp_path, server):
    """Another open file description stands for another process."""
    (tmp_path / 'taken.db').mkdir()
    with open(tmp_path / 'taken.db' / 'LOCK', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConnectionError, match='taken.db cannot be opened: .* one process'):
            open_milvus(tmp_path / 'taken.db')
    with pytest.raises(FileNotFoundError, match='no gallery at .*absent.db'):
        open_milvus(tmp_path / 'absent.db')
    assert not (tmp_path / 'absent.db').exists()


def test_a_missing_pymilvus_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pymilvus', None)
    with pytest.raises(ImportError, match=r"pip install 'reid_fusedloss\[milvus\]'"):
        open_milvus('http://host', 4)


def test_features_are_of_unit_length(server):
    index = open_milvus(server('units'), 12)
    index.add(7 * draw(3), list('abc'))
    np.testing.assert_allclose(np.linalg.norm(index.features(list('abc')), axis=1), 1, atol=1e-6)
