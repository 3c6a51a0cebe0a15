"""An index that is kept: asked without writing, changed by one at a time, and never half."""

import errno
import json
import os
import platform
import shutil
import signal

import numpy as np
import pytest

from reid_fusedloss import folder_lock
from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.apis.extract_files import extract_to_folder
from reid_fusedloss.apis.work_list import WorkList
from reid_fusedloss.jobs import kept_gallery
from reid_fusedloss.search import load_index
from tests.full_disk import full_disk
from tests.holding import held_by_another_process
from tests.search.galleries import start

pytest.importorskip('faiss', reason='faiss is not installed')


@pytest.fixture
def common(tiny_run, images, monkeypatch):
    """A function that asks an index of the images; its picture is one pixel, since it takes long."""
    pixel = np.zeros((1, 1, 3), np.uint8)
    monkeypatch.setattr('reid_fusedloss.jobs.search.draw_ranking_lists', lambda *_, **__: pixel)
    common = ['--query', images / 'query', '--index', images / 'index', '--out', images / 'out']

    def ask(*arguments):
        shutil.rmtree(images / 'out', ignore_errors=True)
        return start(tiny_run, monkeypatch, *common, *arguments)

    assert not ask('--gallery', images / 'gallery')
    return ask


def states(folder):
    """All that a write would change, also that of a file that is deleted at once."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_ctime_ns)
        for path in (folder, *folder.iterdir())
    }


def answered(images):
    return len(json.loads((images / 'out' / 'search.json').read_text())['queries']) == 2


def test_questions_never_write(common, images):
    before = states(images / 'index')
    for more in (
        [],
        ['--gallery', images / 'gallery'],
        ['--threshold', 0.3],
        ['--kind', 'flat'],
        ['--gallery', images / 'gallery', '--prune'],
    ):
        assert not common(*more) and answered(images)
    assert states(images / 'index') == before


def test_questions_beside_a_writer(common, images, capsys):
    with held_by_another_process(images / 'index'):
        assert not common() and not common('--gallery', images / 'gallery')


def test_only_what_changed_is_written(common, images):
    manifest = json.loads((images / 'index' / 'manifest.json').read_text())
    assert not common(r'--pattern=-?\d+_c(?P<pid>\d+)')
    after = json.loads((images / 'index' / 'manifest.json').read_text())
    assert after['files']['vectors.faiss'] == manifest['files']['vectors.faiss']
    assert after['files']['rows.jsonl'] != manifest['files']['rows.jsonl']


def test_a_folder_that_cannot_be_written(common, images, monkeypatch, capsys):
    """A question needs no lock; a change is answered, not kept, and said."""

    def fail(self, *args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(folder_lock.FileLock, 'acquire', fail)
    assert not common('--gallery', images / 'gallery')
    next((images / 'gallery').iterdir()).unlink()
    shutil.copy(images / 'query' / 'who.png', images / 'gallery' / 'new.png')
    before = states(images / 'index')
    assert common('--gallery', images / 'gallery') == 2 and answered(images)
    assert 'new.png' in (images / 'out' / 'search.csv').read_text()
    said = capsys.readouterr().err
    assert 'cannot be written (Read-only file system): changes are not saved' in said
    assert states(images / 'index') == before


@pytest.mark.slow
@pytest.mark.parametrize('space', [0, 5000])
def test_a_full_disk_does_not_withhold_the_answer(common, images, monkeypatch, capsys, space):
    shutil.copy(images / 'query' / 'who.png', images / 'gallery' / 'new.png')
    before, save = states(images / 'index').keys(), kept_gallery.save_index

    def save_on_a_full_disk(*args):
        with full_disk(space):
            save(*args)

    with monkeypatch.context() as patch:
        patch.setattr(kept_gallery, 'save_index', save_on_a_full_disk)
        assert common('--gallery', images / 'gallery') == 2 and answered(images)
    assert 'new.png' in (images / 'out' / 'search.csv').read_text()
    assert 'keeps its old state' in capsys.readouterr().err
    assert states(images / 'index').keys() == before
    assert str(images / 'gallery' / 'new.png') not in load_index(images / 'index').entries
    assert not common('--gallery', images / 'gallery')
    assert str(images / 'gallery' / 'new.png') in load_index(images / 'index').entries


def test_a_second_writer_is_told_before_it_works(common, images, embedded, capsys):
    shutil.copy(images / 'query' / 'who.png', images / 'gallery' / 'new.png')
    embedded.clear()
    with held_by_another_process(images / 'index') as process:
        assert common('--gallery', images / 'gallery') == 2
    said = capsys.readouterr().err
    assert f'is being written by process {process} on {platform.node()}' in said
    assert said.count('\n') == 1 and len(embedded) <= 1  # which tells the width of the features
    assert not common('--gallery', images / 'gallery')  # the killed process holds nothing


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_stop_keeps_what_is_done(tiny_run, images, monkeypatch, capsys, number):
    count, embed, calls = len(list((images / 'gallery').iterdir())), ReIDInferencer.embed, []
    arguments = [
        '--query',
        images / 'query',
        '--gallery',
        images / 'gallery',
        '--index',
        images / 'index',
        '--batch-size',
        3,
        '--out',
        images / 'out',
    ]

    def stop(self, samples):
        calls.extend(samples)
        if len(calls) > 1 + 6:  # one to measure, two batches
            signal.raise_signal(number)
        return embed(self, samples)

    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(ReIDInferencer, 'embed', stop)
        assert start(tiny_run, monkeypatch, *arguments) == 130
    assert signal.getsignal(number) == before
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith('stopped')]
    assert lines == [
        f'stopped: 6 entries are saved in {images / "index"}; the same command continues'
    ]
    assert len(load_index(images / 'index')) == 6
    calls.clear()
    monkeypatch.setattr(
        ReIDInferencer,
        'embed',
        lambda self, samples: (calls.extend(samples), embed(self, samples))[1],
    )
    assert not start(tiny_run, monkeypatch, *arguments)
    assert len(calls) == 1 + count - 6 + 2 and len(load_index(images / 'index')) == count


@pytest.mark.slow
def test_an_index_from_resumable_features(
    tiny_run, images, inferencer, embedded, monkeypatch, capsys
):
    extract_to_folder(inferencer, WorkList([str(images / 'gallery')]), images / 'features')
    common = ['--query', images / 'query', '--index', images / 'index', '--out', images / 'out']
    embedded.clear()
    assert not start(tiny_run, monkeypatch, *common, '--features', images / 'features')
    assert len(embedded) == 1 + 2  # the queries
    index, files = load_index(images / 'index'), sorted((images / 'gallery').iterdir())
    assert [entry.name for entry in index.entries] == list(map(str, files))
    wanted = inferencer(list(map(str, files))).features
    np.testing.assert_allclose(index.features(), wanted, atol=1e-6)
    before = states(images / 'index')
    embedded.clear()
    for more in (['--gallery', images / 'gallery'], ['--features', images / 'features']):
        assert not start(tiny_run, monkeypatch, *common, *more)  # nothing is new to it
    assert len(embedded) == 2 * (1 + 2) and states(images / 'index') == before
    shutil.copy(files[0], files[1])
    os.utime(files[1], ns=(1, 1))
    extract_to_folder(inferencer, WorkList([str(images / 'gallery')]), images / 'features')
    capsys.readouterr()
    assert not start(tiny_run, monkeypatch, *common, '--features', images / 'features')
    assert f'gallery: {len(files)} entries; 1 added or changed' in capsys.readouterr().out
    np.testing.assert_allclose(
        *load_index(images / 'index').features([0, len(files) - 1]), atol=1e-6
    )


def test_own_files_are_no_index(tiny_run, images, monkeypatch, capsys):
    """A folder of somebody's own files is neither written to nor cleared."""
    own = images / 'own'
    own.mkdir()
    for name in ('deadbeef0123.rows.jsonl', 'notes.txt'):
        (own / name).write_text('mine')
    before = states(own)
    assert (
        start(
            tiny_run,
            monkeypatch,
            '--query',
            images / 'query',
            '--gallery',
            images / 'gallery',
            '--index',
            own,
        )
        == 2
    )
    assert "not the folder of a gallery and holds 'notes.txt'" in capsys.readouterr().err
    assert states(own) == before
