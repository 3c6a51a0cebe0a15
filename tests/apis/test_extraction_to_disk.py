"""Features on the disk: stops, changes, other models, and the tool as a user starts it."""

import json
import os
import shutil
import sys

import cv2
import numpy as np
import pytest

from reid_fusedloss.apis import ReIDInferencer, load_extraction, load_shards
from reid_fusedloss.apis.extract_files import (
    extract_query_gallery,
    extract_to_file,
    extract_to_folder,
)
from reid_fusedloss.apis.feature_store import FeatureStore
from reid_fusedloss.apis.labels import PATTERN
from reid_fusedloss.apis.work_list import WorkList, work_list
from reid_fusedloss.evaluation import load_features
from tests.calling import load_tool
from tests.test_tools import start
from tests.tiny import REPOSITORY

TOOL = REPOSITORY / 'tools' / 'extract_features.py'


@pytest.fixture
def photos(tmp_path, make_images):
    folder = make_images(tmp_path / 'photos', [f'{number:02}.jpg' for number in range(10)])
    (folder / '03.jpg').write_text('no image')
    return folder


@pytest.fixture
def calls(monkeypatch):
    """Number of images of each batch that went through the network."""
    counted = []
    embed = ReIDInferencer.embed

    def count(self, samples):
        counted.append(len(samples))
        return embed(self, samples)

    monkeypatch.setattr(ReIDInferencer, 'embed', count)
    return counted


def rows(extraction):
    return {name.split('/')[-1]: row for name, row in zip(extraction.names, extraction.features)}


def check(folder, photos, inferencer):
    """The folder holds what the inferencer says of the photos now."""
    found, wanted = load_extraction(folder), inferencer(str(photos))
    assert len(found.names) == len(set(found.names)) == len(wanted.names)
    assert found.unreadable.keys() == wanted.unreadable.keys()
    for name, row in rows(wanted).items():
        np.testing.assert_allclose(rows(found)[name], row, atol=1e-5)


def test_shards_and_a_file_hold_the_same(photos, inferencer, tmp_path):
    work = WorkList([str(photos)])
    summary = extract_to_folder(inferencer, work, tmp_path / 'out', shard_size=4)
    sizes = [len(shard) + len(shard.unreadable) for shard in load_shards(tmp_path / 'out')]
    assert sizes == [6, 4]  # whole batches of 3
    assert summary.images == 9 and list(summary.unreadable) == [str(photos / '03.jpg')]
    check(tmp_path / 'out', photos, inferencer)
    extract_to_file(inferencer, work, tmp_path / 'out.npz')
    file, folder = load_extraction(tmp_path / 'out.npz'), load_extraction(tmp_path / 'out')
    assert file.names == folder.names and file.unreadable == folder.unreadable
    assert np.array_equal(file.features, folder.features)


@pytest.mark.slow
def test_goes_on_after_a_stop_at_any_shard(photos, inferencer, calls, tmp_path, monkeypatch):
    work, out = WorkList([str(photos)]), tmp_path / 'out'
    add = FeatureStore.add

    def stop(self, extraction, stamps):
        if list(self.folder.glob('shard_*')):
            raise KeyboardInterrupt
        add(self, extraction, stamps)

    monkeypatch.setattr(FeatureStore, 'add', stop)
    with pytest.raises(KeyboardInterrupt):
        extract_to_folder(inferencer, work, out, shard_size=3)
    monkeypatch.setattr(FeatureStore, 'add', add)
    (out / '.shard_000001.npz.1.part').write_bytes(b'half')
    with pytest.raises(ValueError, match='was stopped'):
        load_extraction(out)
    assert len(load_extraction(out, partial=True)) == 3
    calls.clear()
    extract_to_folder(inferencer, work, out, shard_size=3)
    assert sum(calls) == 6 and [path.name for path in out.glob('.*')] == ['.lock']
    check(out, photos, inferencer)
    calls.clear()
    assert extract_to_folder(inferencer, work, out, shard_size=3).done == 0 and not calls


def test_a_torn_shard_is_extracted_anew(photos, inferencer, calls, tmp_path):
    out, said = tmp_path / 'out', []
    extract_to_folder(inferencer, WorkList([str(photos)]), out, shard_size=3)
    torn = out / 'shard_000001.npz'
    torn.write_bytes(torn.read_bytes()[:-100])
    with pytest.raises(ValueError, match='shard_000001.npz is corrupt'):
        load_extraction(out)
    calls.clear()
    extract_to_folder(inferencer, WorkList([str(photos)]), out, 3, said.append)
    assert sum(calls) == 2 and said[0] == 'corrupt, extracted again: shard_000001.npz'
    check(out, photos, inferencer)


def test_changed_files_are_noticed(photos, inferencer, calls, tmp_path, make_images):
    out, said = tmp_path / 'out', []
    extract_to_folder(inferencer, WorkList([str(photos)]), out, shard_size=3)
    (photos / '00.jpg').unlink()
    cv2.imwrite(str(photos / '03.jpg'), np.full((20, 10, 3), 90, np.uint8))
    cv2.imwrite(str(photos / '05.jpg'), np.full((20, 10, 3), 30, np.uint8))
    cv2.imwrite(str(photos / '04b.jpg'), np.full((20, 10, 3), 200, np.uint8))
    calls.clear()
    summary = extract_to_folder(inferencer, WorkList([str(photos)]), out, 3, said.append)
    assert sum(calls) == 3 and summary.done == 3 and summary.images == 10 and not summary.unreadable
    assert said == [f'{out} has 7 of 10 images; 2 changed since, 1 no longer listed; 3 to extract']
    check(out, photos, inferencer)


def test_features_of_another_model_are_refused(photos, trained, inferencer, tmp_path):
    work, out, keys = WorkList([str(photos)]), tmp_path / 'out', dict(device='cpu', progress=False)
    extract_to_folder(inferencer, work, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    shutil.copytree(trained / 'work', tmp_path / 'moved')
    options = {'test_dataloader.dataset.pipeline.resize.scale': (20, 40)}
    others = {
        r'other options \(flip=False, here True\)': ReIDInferencer(
            trained / 'work', flip=True, **keys
        ),
        r"other options \(precision='float32', here 'bfloat16'\)": ReIDInferencer(
            trained / 'work', amp=True, **keys
        ),
        'another test pipeline': ReIDInferencer(trained / 'work', options=options, **keys),
        'other weights': ReIDInferencer(tmp_path / 'moved', **keys),
    }
    others['other weights'].model.backbone.conv1.weight.data[0] += 1
    for text, other in others.items():
        with pytest.raises(ValueError, match=f'holds features of {text}: .*another --out'):
            extract_to_folder(other, work, out)
    assert before == {path.name: path.read_bytes() for path in out.iterdir()}
    moved = ReIDInferencer(tmp_path / 'moved', batch_size=2, **keys)
    assert extract_to_folder(moved, work, out).done == 0


def test_other_inputs_and_other_folders_are_refused(photos, inferencer, tmp_path, make_images):
    more, out = make_images(tmp_path / 'more', ['a.jpg']), tmp_path / 'out'
    extract_to_folder(inferencer, WorkList([str(photos)]), out)
    with pytest.raises(ValueError, match='also holds .*photos.*, which would be removed'):
        extract_to_folder(inferencer, WorkList([str(more)]), out)
    summary = extract_to_folder(inferencer, WorkList([str(photos), str(more)]), out)
    assert summary.done == 1 and summary.images == 10
    with pytest.raises(ValueError, match='not a folder of features, and not empty'):
        extract_to_folder(inferencer, WorkList([str(more)]), more)
    manifest = json.loads((out / 'manifest.json').read_text())
    (out / 'manifest.json').write_text(json.dumps(manifest | dict(format=99)))
    with pytest.raises(ValueError, match='another kind or version'):
        load_extraction(out)
    with pytest.raises(FileNotFoundError, match='not a folder of features'):
        load_extraction(photos)
    with pytest.raises(FileNotFoundError, match='no features at'):
        load_extraction(tmp_path / 'gone.npz')
    with pytest.raises(ValueError, match='is corrupt or truncated, or not an .npz file'):
        load_extraction(photos / '03.jpg')


def test_the_same_folder_in_other_words(photos, inferencer, calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / 'out'
    extract_to_folder(inferencer, WorkList(['photos']), out, shard_size=3)
    calls.clear()
    for written in ('photos/', './photos', str(photos), 'photos/../photos'):
        assert extract_to_folder(inferencer, WorkList([written]), out, shard_size=3).done == 0
    cv2.imwrite('photos/05.jpg', np.full((20, 10, 3), 30, np.uint8))
    assert extract_to_folder(inferencer, WorkList([str(photos)]), out).done == sum(calls) == 1
    found = rows(load_extraction(out))
    for name, row in rows(inferencer('photos')).items():
        np.testing.assert_allclose(found[name], row, atol=1e-5)
    twice = WorkList(['photos', './photos'])
    assert extract_to_folder(inferencer, twice, tmp_path / 'twice').images == 9
    assert extract_to_folder(inferencer, twice, tmp_path / 'twice').done == 0


@pytest.mark.parametrize(
    'damage',
    [
        dict(made_by=None),
        dict(made_by='x'),
        dict(inputs=None),
        dict(inputs='photos'),
        dict(inputs=[1]),
        dict(feat_dims='64'),
        dict(finished=None),
    ],
    ids=str,
)
def test_a_damaged_manifest(photos, inferencer, tmp_path, damage):
    work, out = WorkList([str(photos / '00.jpg')]), tmp_path / 'out'
    extract_to_folder(inferencer, work, out)
    manifest = json.loads((out / 'manifest.json').read_text()) | damage
    (out / 'manifest.json').write_text(
        json.dumps({key: value for key, value in manifest.items() if value is not None})
    )
    for call in (lambda: load_extraction(out), lambda: extract_to_folder(inferencer, work, out)):
        with pytest.raises(ValueError, match=f'manifest.json is corrupt, in .*{[*damage][0]}'):
            call()


def test_lists_and_videos(photos, inferencer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'list.txt').write_text('photos/02.jpg\n\nphotos/gone one.jpg\nphotos/02.jpg\n')
    summary = extract_to_folder(inferencer, work_list(['list.txt']), tmp_path / 'listed')
    assert summary.images == 1 and list(summary.unreadable) == ['photos/gone one.jpg']
    writer = cv2.VideoWriter('v.avi', cv2.VideoWriter_fourcc(*'MJPG'), 5, (64, 48))
    for value in range(0, 200, 40):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    (tmp_path / 'boxes').write_text('1,3,0,0,20,40\n4,3,5,5,20,40\n4,-1,5,5,20,40\n')
    work = work_list(['v.avi'], 'boxes')
    assert extract_to_folder(inferencer, work, tmp_path / 'video').images == 3
    (tmp_path / 'boxes').write_text('1,3,0,0,20,40\n4,3,5,6,20,40\n4,-1,5,5,20,40\n')
    summary = extract_to_folder(inferencer, work_list(['v.avi'], 'boxes'), tmp_path / 'video')
    assert summary.done == 1 and load_extraction(tmp_path / 'video').names == [
        'v.avi#frame1/id3',
        'v.avi#frame4/box3',
        'v.avi#frame4/id3',
    ]
    (tmp_path / 'list.txt').write_text('photos\n')
    for inputs, boxes, error in (
        (['v.avi'], None, '--boxes FILE'),
        (['list.txt'], None, 'line 1'),
        (['v.avi', 'photos'], 'boxes', 'one video'),
    ):
        with pytest.raises(ValueError, match=error):
            work_list(inputs, boxes)


@pytest.mark.slow
def test_the_tool_as_a_user_starts_it(photos, trained, tmp_path):
    code, output = start(
        sys.executable,
        TOOL,
        trained / 'work',
        'photos',
        '--out',
        'out',
        '--device',
        'cpu',
        cwd=tmp_path,
    )
    assert code == 0, output
    assert (
        'out: features of 9 images, of 64 dimensions; 1 unreadable (photos/03.jpg); 10 done'
        in output
        and 'unreadable: photos/03.jpg: image photos/03.jpg cannot be decoded' in output
    )


def test_queries_and_gallery_for_an_evaluation(trained, inferencer, tmp_path):
    """The names of the drawn pedestrians are Market-1501's; the test loop wrote the same file."""
    parts = [WorkList([str(trained / 'data' / name)]) for name in ('query', 'bounding_box_test')]
    extract_query_gallery(inferencer, *parts, tmp_path / 'test.npz', PATTERN)
    found, wanted = load_features(tmp_path / 'test.npz'), load_features(trained / 'f.npz')
    for one, other in zip(found.labels, wanted.labels):
        assert np.array_equal(one, other)
    unit = wanted.gallery / np.linalg.norm(wanted.gallery, axis=1, keepdims=True)
    np.testing.assert_allclose(found.gallery, unit, atol=1e-5)


def test_an_input_after_an_option_and_a_suffix_in_capitals(photos, trained, monkeypatch, capsys):
    monkeypatch.chdir(photos.parent)
    monkeypatch.setattr(
        sys,
        'argv',
        [
            'extract_features.py',
            str(trained / 'work'),
            '--quiet',
            '--out',
            'x.NPZ',
            'photos',
            '--device',
            'cpu',
        ],
    )
    assert load_tool('extract_features').main() == 0
    assert os.path.isfile('x.NPZ') and len(load_extraction('x.NPZ')) == 9


@pytest.mark.parametrize(
    'arguments, error',
    [
        (['photos', '--out', 'x.pkl'], 'a folder or an .npz file'),
        (['epoch_1.pth', '--out', 'x'], "no images in ['epoch_1.pth']"),
        (['--query', 'photos', '--out', 'x.npz'], 'must be given together'),
        (
            ['--query', 'photos', '--gallery', 'photos', '--out', 'x.npz'],
            'does not fit the pattern',
        ),
        (
            ['--query', 'junk', '--gallery', 'junk', '--out', 'x.npz'],
            'query: all of the 1 images are junk',
        ),
        (['gone', '--out', 'x'], 'no image and no folder at gone'),
        (['photos', '--out', 'x', '--batch-size', '0'], 'batch_size=0'),
        (['photos', '--out', 'x', '--shard-size', '0'], 'shard_size=0'),
        (['photos', '--out', 'photos'], 'not a folder of features, and not empty'),
    ],
)
def test_mistakes_on_the_command_line(
    arguments, error, photos, trained, monkeypatch, capsys, make_images
):
    extract_features = load_tool('extract_features')
    make_images(photos.parent / 'junk', ['-1_c1s1_000151_01.jpg'])
    monkeypatch.chdir(photos.parent)
    monkeypatch.setattr(sys, 'argv', ['extract_features.py', str(trained / 'work'), *arguments])
    assert extract_features.main() == 2
    assert 'extract_features.py: error: ' in (err := capsys.readouterr().err) and error in err
    config = str(next((trained / 'work').glob('*.py')))
    monkeypatch.setattr(sys, 'argv', ['extract_features.py', config, 'photos', '--out', 'x'])
    assert extract_features.main() == 2
    assert 'the second argument must be its checkpoint' in capsys.readouterr().err
    assert not os.path.exists('x/shard_000000.npz')
