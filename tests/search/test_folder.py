"""A gallery on the disk: whole, old or refused, never half."""

import json
import os
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from reid_fusedloss.folder_lock import FolderInUseError
from reid_fusedloss.search import (
    IVF,
    GalleryIndex,
    OpenSetThreshold,
    hold_index,
    load_index,
    save_index,
    storage,
)
from reid_fusedloss.search import folder as folder_module
from tests.full_disk import full_disk
from tests.holding import held_by_another_process
from tests.search.galleries import draw

faiss = pytest.importorskip('faiss', reason='faiss is not installed')
NAMES = ['plain.jpg', 'Zoë 图片.jpg', 'tab\tline\nend\u2028.jpg', 'bytes \udce9.jpg']
INFOS = [None, {'größe': [1, 2.5, None]}, {}, {'a': {'b': True}}]


def make(kind='flat', model='m'):
    index = GalleryIndex(12, kind, model)
    index.add(draw(4), NAMES, pids=[1, 'é', None, 2], camids=[None, 0, 'c', 1], infos=INFOS)
    return index


@pytest.fixture
def saved(tmp_path):
    save_index(make(), tmp_path / 'gallery')
    return tmp_path / 'gallery'


def files(folder):
    return {
        path.name: path.read_bytes() for path in Path(folder).iterdir() if path.name != storage.LOCK
    }


def state_of(folder):
    """Names of the files of the state."""
    named = json.loads((folder / 'manifest.json').read_text())['files'].values()
    return {'manifest.json', *(facts['file'] for facts in named)}


@pytest.mark.parametrize('kind', ['flat', 'hnsw', IVF(nlist=2, nprobe=2)])
def test_what_is_read_is_what_was_written(tmp_path, kind):
    index = make(kind)
    index.threshold, index.pattern = (
        OpenSetThreshold(0.4, 1e-2, 100, 0.9, 300, 90, 'm'),
        '(?P<pid>.)',
    )
    save_index(index, tmp_path)
    other = load_index(tmp_path)
    assert list(other.entries) == list(zip(NAMES, [1, 'é', None, 2], [None, 0, 'c', 1], INFOS))
    assert (other.kind, other.model, other.threshold) == (index.kind, 'm', index.threshold)
    assert other.pattern == index.pattern
    np.testing.assert_array_equal(other.features(), index.features())
    before, after = (one.search(draw(3, seed=1)) for one in (index, other))
    assert before.hits == after.hits


def test_added_to_and_saved_again(saved):
    index = load_index(saved)
    index.add(draw(2, seed=3), ['a', 'b'])
    save_index(index, saved)
    index.remove(['plain.jpg'])
    save_index(index, saved)
    assert len(load_index(saved)) == 5 and len(files(saved)) == 3
    empty = GalleryIndex(12)
    save_index(empty, saved.parent / 'empty')
    assert not len(load_index(saved.parent / 'empty'))


@pytest.mark.parametrize('step', ['rows', 'vectors', 'flush', 'replace'])
def test_a_crash_at_any_step_leaves_the_old_state(saved, monkeypatch, step):
    before, index = files(saved), load_index(saved)
    index.add(draw(2, seed=3), ['a', 'b'])

    def fail(*args):
        raise OSError('disk full')

    owner, name = dict(
        rows=(folder_module, '_write_rows'),
        vectors=(faiss, 'write_index'),
        flush=(os, 'fsync'),
        replace=(os, 'replace'),
    )[step]
    with monkeypatch.context() as patch, pytest.raises(OSError, match='disk full'):
        patch.setattr(owner, name, fail)
        save_index(index, saved)
    assert files(saved) == before and len(load_index(saved)) == 4
    save_index(index, saved)  # and it can be tried again
    assert [entry.name for entry in load_index(saved).entries] == [*NAMES, 'a', 'b']


def test_an_interruption_after_the_last_step_keeps_the_new_state(saved, monkeypatch):
    index, replace = load_index(saved), os.replace
    index.add(draw(1, seed=3), ['a'])

    def interrupted(source, target):
        replace(source, target)
        if target.name == storage.MANIFEST:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, 'replace', interrupted)
        save_index(index, saved)
    assert len(load_index(saved)) == 5


def test_what_a_killed_process_left_is_passed_over_and_swept_up(saved):
    for name in (
        '0123456789ab.rows.jsonl',
        '0123456789ab.manifest.json',
        '.manifest.json.0a.part',
        '.0123456789ab.vectors.faiss.12ab.part',
    ):
        (saved / name).write_text('half')
    own = ['mine.txt', 'deadbeef0123.tar.gz', '.0123456789ab.tar.gz.1.part', '.hidden']
    for name in own:  # also what looks nearly like a file of ours
        (saved / name).write_text('kept')
    index = load_index(saved)
    index.add(draw(1, seed=3), ['a'])
    save_index(index, saved)
    assert files(saved).keys() - set(own) == state_of(saved) and set(own) < files(saved).keys()
    (saved / '0123456789ab.rows.jsonl').write_text('left')
    storage.tidy(saved)
    assert files(saved).keys() - set(own) == state_of(saved)


def test_a_second_writer_is_refused(saved):
    first, second = load_index(saved), load_index(saved)
    first.add(draw(1), ['a'])
    save_index(first, saved)
    for late in (second, make()):
        with pytest.raises(ValueError, match='load it'):
            save_index(late, saved)
    assert len(load_index(saved)) == 5
    save_index(second, saved.parent / 'elsewhere')


def test_a_writer_at_the_same_time_is_refused(saved):
    index = load_index(saved)
    index.add(draw(1, seed=3), ['a'])
    with FileLock(saved / storage.LOCK), pytest.raises(ValueError, match='is being written by'):
        save_index(index, saved)
    save_index(index, saved)


def test_reading_while_another_writes(saved, monkeypatch):
    """The manifest is read, then a new state takes the place of its files."""
    writer, read = load_index(saved), storage.read_manifest
    writer.add(draw(1), ['a'])
    calls = []

    def read_then_write(folder):
        manifest = read(folder)
        if not calls:
            calls.append(1)
            save_index(writer, saved)
        return manifest

    monkeypatch.setattr(folder_module, 'read_manifest', read_then_write)
    assert len(load_index(saved)) == 5


def test_files_that_a_writer_deletes_meanwhile_are_read_whole(saved, monkeypatch):
    read = faiss.read_index

    def delete_then_read(reader):
        for path in saved.glob('*.*'):
            path.unlink()
        return read(reader)

    monkeypatch.setattr(faiss, 'read_index', delete_then_read)
    assert len(load_index(saved)) == 4


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['flat', 'hnsw', IVF(nlist=2, nprobe=2)])
def test_a_disk_that_is_full_at_any_byte_loses_nothing(tmp_path, kind):
    """The oracle is the state itself: until the disk suffices, the old one, byte for byte."""
    save_index(make(kind), tmp_path / 'gallery')
    before, full = files(tmp_path / 'gallery'), 0
    index = load_index(tmp_path / 'gallery')
    index.add(draw(2, seed=3), ['a', 'b'])
    for space in (*range(0, 60, 7), *range(60, 6000, 97)):
        try:
            with full_disk(space):
                save_index(index, tmp_path / 'gallery')
            break
        except OSError:
            full += 1
            assert files(tmp_path / 'gallery') == before and len(index) == 6
    assert full > 10 and len(load_index(tmp_path / 'gallery')) == 6


def other_vectors(index, folder):
    """Put another faiss index, of a right checksum, into a folder."""
    manifest = json.loads((folder / 'manifest.json').read_text())
    facts = manifest['files']['vectors.faiss']
    faiss.write_index(index, str(folder / facts['file']))
    data = (folder / facts['file']).read_bytes()
    facts |= dict(size=len(data), crc32=zlib.crc32(data))
    (folder / 'manifest.json').write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    'kind, recipe, metric, text',
    [
        ('flat', 'Flat', 'L2', 'metric'),
        ('flat', 'HNSW8,Flat', 'INNER_PRODUCT', 'IndexHNSWFlat'),
        ('hnsw', 'Flat', 'INNER_PRODUCT', 'IndexFlat'),
        ('hnsw', 'HNSW8,Flat', 'INNER_PRODUCT', "'M'"),
        (IVF(nlist=2), 'IVF3,Flat', 'INNER_PRODUCT', "'nlist': 3"),
        (IVF(nlist=2), 'IVF2,PQ4np', 'INNER_PRODUCT', 'IndexIVFPQ'),
    ],
)
def test_vectors_of_another_kind_than_the_manifest_says(tmp_path, kind, recipe, metric, text):
    save_index(make(kind), tmp_path)
    vectors = faiss.index_factory(12, recipe, getattr(faiss, f'METRIC_{metric}'))
    vectors.train(draw(300))
    vectors.add(draw(4))
    other_vectors(vectors, tmp_path)
    with pytest.raises(ValueError, match=f'does not fit its manifest: .*{text}'):
        load_index(tmp_path)


def test_vectors_of_a_newer_faiss(saved, monkeypatch):
    def fail(reader):
        raise RuntimeError('Index type 0x4e657721 not recognized')

    monkeypatch.setattr(faiss, 'read_index', fail)
    with pytest.raises(ValueError, match='not recognized; its checksum is right: .* newer faiss'):
        load_index(saved)


def test_what_is_as_it_was_is_not_written(saved):
    index, before = load_index(saved), files(saved)
    assert not save_index(index, saved) and files(saved) == before
    index.threshold = 0.3
    assert save_index(index, saved)
    after = files(saved)
    assert after.keys() == before.keys() and load_index(saved).threshold.distance == 0.3
    assert save_index(index, saved.parent / 'elsewhere')
    assert len(load_index(saved.parent / 'elsewhere')) == 4


def test_a_gallery_is_held_by_one(saved):
    with hold_index(saved), hold_index(saved):  # a thread may take it again
        index = load_index(saved)
        index.add(draw(1), ['a'])
        save_index(index, saved)
    with held_by_another_process(saved) as process:
        assert len(load_index(saved)) == 5
        with pytest.raises(FolderInUseError, match=f'written by process {process} on'):
            with hold_index(saved, timeout=0.2):
                pass
    with hold_index(saved):
        pass


def damage(name, change):
    def apply(folder):
        (path,) = folder.glob(f'*{name}')
        path.write_bytes(change(path.read_bytes()))

    return apply


def edit(**changes):
    return damage('manifest.json', lambda text: json.dumps(json.loads(text) | changes).encode())


@pytest.mark.parametrize(
    'harm, text',
    [
        (damage('.faiss', lambda data: data[:-5]), 'corrupt or truncated'),
        (damage('.faiss', lambda data: data[:-1] + b'\7'), 'corrupt or truncated'),
        (
            damage('rows.jsonl', lambda data: data.replace(b'plain', b'plane')),
            'corrupt or truncated',
        ),
        (damage('manifest.json', lambda data: data[:50]), 'corrupt'),
        (damage('manifest.json', lambda data: b'[]'), 'not a manifest'),
        (edit(version=2), 'version 2, this package reads version 1'),
        (edit(format='x'), 'not a manifest'),
        (edit(count=5), '5 entries'),
        (edit(state=None), 'names no state'),
        (edit(dims=13), 'width 13'),
        (edit(files={}), 'corrupt'),
        (edit(kind='lsh'), 'lsh'),
        (edit(files=None), 'names no files'),
        (edit(files={'rows.jsonl': 'x'}), 'names no files'),
    ],
)
def test_damage_is_said(saved, harm, text):
    harm(saved)
    with pytest.raises(ValueError, match=text):
        load_index(saved)


def test_missing_files_are_said(saved, tmp_path):
    with pytest.raises(FileNotFoundError, match='no gallery in'):
        load_index(tmp_path / 'nowhere')
    next(saved.glob('*.faiss')).unlink()
    with pytest.raises(FileNotFoundError, match='is missing: the gallery is incomplete'):
        load_index(saved)
    shutil.rmtree(saved)
