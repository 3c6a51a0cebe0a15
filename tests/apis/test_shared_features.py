"""A folder of features: one writer, nothing missing or doubled, and what is done is kept."""

import os
import platform
import shutil
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from reid_fusedloss.apis import Extraction, load_extraction, load_shards
from reid_fusedloss.apis.extract_files import extract_to_folder
from reid_fusedloss.apis.feature_store import FeatureStore
from reid_fusedloss.apis.work_list import WorkList
from reid_fusedloss.folder_lock import FolderInUseError
from tests.calling import load_tool
from tests.full_disk import full_disk
from tests.holding import held_by_another_process

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools'))
from stops.scenarios import FileFeatures, feature_of, write_images  # noqa: E402


@pytest.fixture
def photos(tmp_path):
    write_images(tmp_path / 'photos', 0, 11)
    return tmp_path / 'photos'


def extract(photos, out, inferencer=None, shard_size=4):
    return extract_to_folder(inferencer or FileFeatures(), WorkList([str(photos)]), out, shard_size)


def check(photos, out):
    """Each file has one feature, that of its content."""
    found = load_extraction(out)
    assert sorted(found.names) == sorted(str(path) for path in photos.iterdir())
    for name, row in zip(found.names, found.features):
        np.testing.assert_array_equal(row, feature_of(Path(name).read_bytes()))


def test_a_second_extraction_is_refused_at_once(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(FileFeatures, 'extract', None)  # nothing is computed
    with held_by_another_process(tmp_path / 'out') as process:
        with pytest.raises(FolderInUseError, match=f'process {process} on {platform.node()}: wait'):
            extract(photos, tmp_path / 'out')
    monkeypatch.undo()
    extract(photos, tmp_path / 'out')  # a killed process holds nothing
    check(photos, tmp_path / 'out')


@pytest.mark.slow
def test_two_threads_extract_into_one_folder(photos, tmp_path):
    """The second is refused while the first works."""
    working, go_on, refused = threading.Event(), threading.Event(), []

    class Slow(FileFeatures):
        def extract(self, sources):
            working.set()
            go_on.wait(10)
            yield from super().extract(sources)

    def second():
        working.wait(10)
        try:
            extract(photos, tmp_path / 'out')
        except FolderInUseError as error:
            refused.append(str(error))
        go_on.set()

    thread = threading.Thread(target=second)
    thread.start()
    extract(photos, tmp_path / 'out', Slow())
    thread.join()
    assert len(refused) == 1 and f'process {os.getpid()}' in refused[0]
    check(photos, tmp_path / 'out')


def copied(out):
    shutil.copy(out / 'shard_000000.npz', out / 'shard_000777.npz')


def removed(out):
    (out / 'shard_000000.npz').unlink()


@pytest.mark.parametrize(
    'change, text',
    [
        (copied, '0 images are missing, 4 are stored twice'),
        (removed, '4 images are missing, 0 are'),
    ],
)
def test_finished_is_not_written_unchecked(photos, tmp_path, monkeypatch, change, text):
    """As another program may do, or a folder without locks."""
    finish = FeatureStore.finish

    def changed_before(self, stamps):
        change(self.folder)
        finish(self, stamps)

    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, 'finish', changed_before)
        with pytest.raises(RuntimeError, match=text):
            extract(photos, tmp_path / 'out')
    with pytest.raises(ValueError, match='is running, or was stopped'):
        load_extraction(tmp_path / 'out')
    extract(photos, tmp_path / 'out')
    check(photos, tmp_path / 'out')


def test_nothing_is_written_where_nothing_changed(photos, tmp_path):
    extract(photos, tmp_path / 'out')
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / 'out').glob('[!.]*')}
    summary = extract(photos, tmp_path / 'out')
    assert summary.done == 0 and summary.images == 11
    assert before == {
        path.name: path.stat().st_mtime_ns for path in (tmp_path / 'out').glob('[!.]*')
    }


def test_a_folder_that_changes_while_it_is_read(photos, tmp_path):
    extract(photos, tmp_path / 'out')
    shards = load_shards(tmp_path / 'out')
    next(shards)
    write_images(photos, 4, 8, version=1)
    extract(photos, tmp_path / 'out')
    with pytest.raises(ValueError, match='changed while it was read: read it again'):
        list(shards)


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_byte_loses_nothing(photos, tmp_path):
    done, full = 0, 0
    for space in (*range(0, 40, 9), *range(40, 8000, 331)):
        try:
            with full_disk(space):
                extract(photos, tmp_path / 'out', shard_size=2)
            break
        except OSError as error:
            assert 'No space left' in str(error)
            full += 1
        if (tmp_path / 'out' / 'manifest.json').exists():
            found = load_extraction(tmp_path / 'out', partial=True)
            assert len(set(found.names)) == len(found.names) >= done  # never less than before
            done = len(found.names)
        assert not [path for path in (tmp_path / 'out').glob('.*') if path.name != '.lock']
    assert full > 3
    extract(photos, tmp_path / 'out')
    check(photos, tmp_path / 'out')


@pytest.mark.parametrize('stop', [KeyboardInterrupt, RuntimeError])
def test_what_ends_an_extraction_leaves_what_is_done(photos, tmp_path, stop):
    """Also what does not fill a shard yet."""

    class Stopped(FileFeatures):
        def extract(self, sources):
            for number, part in enumerate(super().extract(sources)):
                if number == 3:
                    raise stop
                yield part

    with pytest.raises(stop):
        extract(photos, tmp_path / 'out', Stopped(), shard_size=4096)
    assert len(load_extraction(tmp_path / 'out', partial=True)) == 6
    assert extract(photos, tmp_path / 'out').done == 5
    check(photos, tmp_path / 'out')


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_shard_is_written(photos, tmp_path, monkeypatch, capsys, number):
    """The tool writes it to its end, says one line and ends with 130."""
    job = load_tool('extract_features').job
    monkeypatch.setattr(job, 'open_extractor', lambda *args, **kwargs: FileFeatures())
    add = FeatureStore.add

    def signalled(self, extraction, stamps):
        signal.raise_signal(number)
        add(self, extraction, stamps)

    monkeypatch.setattr(
        sys,
        'argv',
        [
            'extract_features.py',
            'work',
            str(photos),
            '--out',
            str(tmp_path / 'out'),
            '--shard-size',
            '4',
        ],
    )
    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, 'add', signalled)
        assert load_tool('extract_features').main() == 130
    assert capsys.readouterr().err == 'stopped; the same command continues\n'
    assert len(load_extraction(tmp_path / 'out', partial=True)) == 4
    assert load_tool('extract_features').main() == 0
    check(photos, tmp_path / 'out')


def test_a_folder_of_own_files_gets_no_lock(photos):
    with pytest.raises(ValueError, match='not a folder of features, and not empty'):
        extract(photos, photos)
    assert not (photos / '.lock').exists()


def test_features_of_nothing_new(photos, tmp_path):
    """A shard of what could not be read alone."""
    (photos / '0000_c0_0.png').write_bytes(b'broken')
    extract(photos, tmp_path / 'out', shard_size=2)
    (photos / '0000_c1_1.png').write_bytes(b'broken too')
    summary = extract(photos, tmp_path / 'out')
    assert summary.images == 9 and len(summary.unreadable) == 2
    assert isinstance(load_extraction(tmp_path / 'out'), Extraction)
