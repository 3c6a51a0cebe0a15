"""What an update takes for gone: files inside its inputs, never a disk that is not mounted."""

import json
import os
import shutil

import pytest

from reid_fusedloss.apis.gallery import plan_update, update_gallery
from reid_fusedloss.search import GalleryIndex
from tests.search.galleries import draw

pytest.importorskip('faiss', reason='faiss is not installed')


@pytest.fixture
def disks(tmp_path, make_images, monkeypatch):
    """Photos on two disks, in folders; the current folder is theirs."""
    for folder in ('one', 'one/deep', 'two', 'two/deep'):
        make_images(tmp_path / folder, ['a.jpg', 'b.jpg'])
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'list.txt').write_text('one/a.jpg\none/b.jpg\ntwo/a.jpg\ntwo/deep/a.jpg\n')
    return tmp_path


def update(index, inferencer, inputs, prune=True):
    """Names of what is pruned, and of what is out of reach."""
    plan = plan_update(index, inputs, recursive=True)
    found = update_gallery(index, inferencer, inputs, recursive=True, prune=prune)
    assert (plan.gone, plan.out_of_reach) == (found.gone, found.out_of_reach)
    assert not prune or not set(found.gone) & {entry.name for entry in index.entries}
    assert set(found.out_of_reach) <= {entry.name for entry in index.entries}
    return [[os.path.relpath(name) for name in names] for names in (found.gone, found.out_of_reach)]


@pytest.fixture
def index(disks, inferencer):
    index = GalleryIndex(inferencer.feat_dims)
    update_gallery(index, inferencer, ['one', 'two'], recursive=True)
    assert len(index) == 8
    return index


@pytest.mark.parametrize('left', ['nothing', 'an empty folder'])
def test_a_disk_that_is_not_mounted(disks, index, inferencer, left):
    shutil.rmtree('two')
    (disks / 'one' / 'a.jpg').unlink()
    if left != 'nothing':
        (disks / 'two').mkdir()
    for inputs in (['one'], ['one/*.jpg'], ['list.txt']):
        gone, far = update(index, inferencer, inputs, prune=False)
        assert gone == ['one/a.jpg'] and len(far) == 4
    assert update(index, inferencer, ['one']) == [gone, far]
    assert len(index) == 7
    with pytest.raises((FileNotFoundError, ValueError)):
        update_gallery(index, inferencer, ['one', 'two'], prune=True)
    assert len(index) == 7


def test_a_mount_below_the_input_and_a_folder_that_was_deleted(disks, index, inferencer):
    shutil.rmtree('one/deep')
    shutil.rmtree('two/deep')
    (disks / 'two' / 'deep').mkdir()  # as a place where something was mounted
    gone, far = update(index, inferencer, ['.'])
    assert gone == ['one/deep/a.jpg', 'one/deep/b.jpg']
    assert far == ['two/deep/a.jpg', 'two/deep/b.jpg']


def test_inside_is_as_the_input_says(disks, index, inferencer):
    for name in ('one/a.jpg', 'one/deep/a.jpg', 'two/deep/a.jpg', 'two/b.jpg'):
        os.remove(name)
    cases = {
        'one': ['one/a.jpg'],
        'one/*': ['one/a.jpg'],
        '*/a.*': ['one/a.jpg'],
        'o*/**/*.jpg': ['one/a.jpg', 'one/deep/a.jpg'],
        'two/a.jpg': [],
        'list.txt': ['one/a.jpg', 'two/deep/a.jpg'],
        '*/deep/*.jpg': ['one/deep/a.jpg', 'two/deep/a.jpg'],
    }
    for given, wanted in cases.items():
        gone = plan_update(index, [given]).gone
        assert sorted(map(os.path.relpath, gone)) == wanted, given


def test_what_never_was_a_file_stays(disks, index, inferencer):
    index.add(draw(1, inferencer.feat_dims), ['street.mp4#frame1/id3'], infos=[{'track': 3}])
    index.add(draw(1, inferencer.feat_dims), ['v.mp4#frame1/id3'], infos=[{'source': '1 2 3 4'}])
    assert update(index, inferencer, ['one', 'two']) == [[], []]
    assert json.dumps(index.entries[8].info) == '{"track": 3}' and len(index) == 10
