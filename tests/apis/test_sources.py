"""What is taken for images, and what is refused with its place."""

import os
import socket

import numpy as np
import pytest
import torch

from reid_fusedloss.apis import ImageSource, read_boxes, video_crops
from reid_fusedloss.apis.images import SampleReader
from reid_fusedloss.apis.sources import ImageStream, find_paths, list_sources
from reid_fusedloss.apis.work_list import work_list
from tests.datasets.bombs import BOMBS

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


@pytest.fixture
def tree(tmp_path, make_images):
    make_images(tmp_path, ['b.jpg', 'a.png', '.hidden.jpg'])
    make_images(tmp_path / 'sub', ['c.jpg'])
    (tmp_path / 'folder.jpg').mkdir()
    (tmp_path / 'notes.txt').write_text('no image')
    (tmp_path / 'link.jpg').symlink_to(tmp_path / 'nowhere.jpg')
    return tmp_path


def names(tree, inputs, **keys):
    return [source.name.removeprefix(f'{tree}/') for source in list_sources(inputs, **keys)]


def test_folders_and_globs(tree):
    assert names(tree, tree) == ['a.png', 'b.jpg', 'link.jpg']
    assert names(tree, str(tree), recursive=True) == ['a.png', 'b.jpg', 'link.jpg', 'sub/c.jpg']
    assert names(tree, [f'{tree}/*.png', tree / 'sub']) == ['a.png', 'sub/c.jpg']
    assert names(tree, f'{tree}/**/*.jpg') == ['b.jpg', 'link.jpg', 'sub/c.jpg']
    (tree / 'x[1].png').write_bytes((tree / 'a.png').read_bytes())
    assert names(tree, tree / 'x[1].png') == ['x[1].png']


def test_the_number_is_known_where_it_can_be(tree):
    assert ImageStream([tree, GREY, tree / 'gone.jpg']).total == 5
    assert ImageStream(iter([tree])).total is None
    assert ImageStream([]).total == 0


def test_arrays():
    colours = np.dstack([GREY, GREY + 1, GREY + 2, GREY])
    stream = list_sources([GREY, GREY[..., None], colours], 'rgb')
    assert [source.name for source in stream] == ['image 0', 'image 1', 'image 2']
    for source in stream[:2]:
        assert np.array_equal(source.image, np.dstack([GREY] * 3))
    assert np.array_equal(stream[2].image, np.dstack([GREY + 2, GREY + 1, GREY]))


@pytest.mark.parametrize(
    'inputs, error',
    [
        (5, 'inputs are of type int'),
        (None, 'inputs are of type NoneType'),
        (b'a.jpg', 'inputs are of type bytes'),
        (torch.zeros(3, 4, 4), r'tensor.permute\(1, 2, 0\)'),
        ([GREY, torch.zeros(3, 4, 4)], 'input 1 is of type Tensor'),
        (['a.jpg', 7], 'input 1 is of type int'),
        ([['a.jpg']], 'input 0 is of type list'),
        ([GREY, None], 'input 1 is of type NoneType'),
        ({'a': GREY}, r'inputs must not be of type dict, .*list\(images.values\(\)\)'),
        ({'a.jpg'}, 'inputs must not be of type set, .*give a list'),
    ],
)
def test_what_is_no_image_is_refused_at_once(inputs, error):
    with pytest.raises(TypeError, match=error):
        ImageStream(inputs)


@pytest.mark.parametrize(
    'array, error',
    [
        (GREY.astype(np.float32), 'image 1 must be an array of uint8, .*got float32'),
        (GREY > 0, 'got bool'),
        (
            np.zeros((2, 3, 4, 3), np.uint8),
            r'image 1 must have shape .*got \(2, 3, 4, 3\).*as a list',
        ),
        (np.zeros((3, 4, 2), np.uint8), r'got \(3, 4, 2\)'),
    ],
)
def test_arrays_that_are_no_images(array, error):
    """In a list before any image is read, in a generator when they come up."""
    with pytest.raises((TypeError, ValueError), match=error):
        ImageStream([GREY, array])
    stream = iter(ImageStream(iter([GREY, array])))
    next(stream)
    with pytest.raises((TypeError, ValueError), match=error):
        next(stream)


@pytest.mark.parametrize('shape', [(0, 4, 3), (4, 0, 3), (0, 0), (0, 0, 0)])
def test_what_has_no_pixel_is_reported(shape):
    """A crop that lies outside its picture does not stop the others."""
    found = list_sources([GREY, np.zeros(shape, np.uint8), GREY])
    assert [source.image is not None for source in found] == [True, False, True]
    assert found[1].problem == f'it has no pixels, its shape is {shape}'


ADDRESSES = [
    'http://127.0.0.1:9/a.jpg',
    'https://host/a.jpg',
    'ftp://host/a.jpg',
    's3://b/a.jpg',
    'file:///photos/a.jpg',
    'rtsp://host/live',
]


@pytest.mark.parametrize('path', [*ADDRESSES, 'pipe.jpg', 'socket.jpg', '/dev/zero'])
def test_nothing_is_fetched_or_waited_for(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo('pipe.jpg')
    with socket.socket(socket.AF_UNIX) as server:
        server.bind('socket.jpg')
        (tmp_path / 'list.txt').write_text(f'a.jpg\n{path}\n')
        words = 'nothing is downloaded' if path in ADDRESSES else 'which is not read'
        for call in (
            lambda: ImageStream(path),
            lambda: ImageStream(['a.jpg', path]),
            lambda: find_paths([path]),
            lambda: list(ImageStream(iter([path]))),
            lambda: read_boxes(path),
            lambda: video_crops(path, np.zeros((0, 6))),
        ):
            with pytest.raises(ValueError, match=f'{path} is .*{words}'):
                call()
        with pytest.raises(ValueError, match=f'line 2 of list.txt: {path} is .*{words}'):
            work_list(['list.txt'])
        for load in ('reid_fusedloss.LoadReIDImage', 'LoadImageFromFile'):
            reader = SampleReader([dict(type=load), dict(type='PackInputs')])
            assert isinstance(reader[0, ImageSource(path)].sample, str)


def test_other_loaders_are_not_let_at_bombs(tmp_path):
    (tmp_path / 'bomb.jpg').write_bytes(BOMBS['jpeg after a restart'])
    reader = SampleReader([dict(type='LoadImageFromFile'), dict(type='PackInputs')])
    assert '30000 x 30000 pixels' in reader[0, ImageSource(str(tmp_path / 'bomb.jpg'))].sample


def test_a_generator_is_refused_where_it_goes_wrong():
    stream = iter(ImageStream(item for item in [GREY, 3]))
    next(stream)
    with pytest.raises(TypeError, match='input 1 is of type int'):
        next(stream)


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(FileNotFoundError, match='no image and no folder at .*gone'):
        ImageStream(tmp_path / 'gone')
    (tmp_path / 'sub').mkdir()
    hint = ', or search its subfolders too with recursive'
    for inputs, recursive, end in (
        (tmp_path, False, hint),
        ([tmp_path], False, hint),
        (tmp_path, True, ''),
        (f'{tmp_path}/*.jpg', False, ''),
    ):
        with pytest.raises(ValueError, match=f'no image .*: check the path{end}$'):
            ImageStream(inputs, recursive=recursive)
    with pytest.raises(ValueError, match="channel_order must be .*, got 'RGB'"):
        ImageStream(GREY, 'RGB')
    with pytest.raises(TypeError, match='recursive=1'):
        ImageStream(GREY, recursive=1)
