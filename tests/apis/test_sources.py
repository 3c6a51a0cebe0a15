"""What is taken for images, and what is refused with its place."""
import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from reid_fusedloss.apis.sources import ImageStream, list_sources
from reid_fusedloss.datasets.load_image import LoadReIDImage

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


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'PA', 'RGB', 'RGBA', 'RGBa', 'CMYK', 'YCbCr',
                                  'HSV', 'F', 'I'])
def test_modes_of_pillow(mode):
    colours = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    if mode == 'I':
        image = Image.fromarray(colours[..., 0].astype(np.int32) * 256)
        wanted = np.dstack([colours[..., 0]] * 3)
    else:
        image = Image.fromarray(colours)
        image = image.convert('RGBA').convert(mode) if mode in ('RGBa', ) else (
            image.convert('LA' if mode == 'LA' else 'P').convert(mode) if mode == 'PA'
            else image.convert(mode))
        wanted = np.asarray(image.convert('RGBA' if mode in ('PA', 'RGBa') else
                                          'L' if mode == 'F' else 'RGB').convert('RGB'))[..., ::-1]
    found, = list_sources(image)
    assert found.problem is None and np.array_equal(found.image, wanted)


@pytest.mark.parametrize('suffix, mode', [('png', 'I;16'), ('png', 'RGBA'), ('png', 'P'),
                                          ('png', '1'), ('jpg', 'CMYK'), ('jpg', 'turned')])
def test_a_picture_is_as_its_file(suffix, mode, tmp_path):
    """Opened by Pillow or read by the pipeline: 16 bits, palette, transparency, CMYK, EXIF."""
    path = tmp_path / f'image.{suffix}'
    colours = cv2.resize(np.random.default_rng(1).integers(0, 256, (2, 2, 3), dtype=np.uint8),
                         (32, 16))
    if mode == 'I;16':
        Image.fromarray(colours[..., 0].astype(np.uint16) * 257).save(path)
    elif mode == 'turned':
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(colours).save(path, exif=exif, quality=95)
    else:
        Image.fromarray(colours).convert(mode).save(path)
    with Image.open(path) as picture:
        found, = list_sources(picture)
    read = LoadReIDImage().transform(dict(img_path=str(path)))['img']
    assert found.image.shape == read.shape
    assert np.abs(found.image.astype(int) - read).max() <= (6 if suffix == 'jpg' else 0)


@pytest.mark.parametrize('inputs, error', [
    (5, 'inputs are of type int'), (None, 'inputs are of type NoneType'),
    (b'a.jpg', 'inputs are of type bytes'), (torch.zeros(3, 4, 4), r'tensor.permute\(1, 2, 0\)'),
    ([GREY, torch.zeros(3, 4, 4)], 'input 1 is of type Tensor'),
    (['a.jpg', 7], 'input 1 is of type int'), ([['a.jpg']], 'input 0 is of type list'),
    ([GREY, None], 'input 1 is of type NoneType')])
def test_what_is_no_image_is_refused_at_once(inputs, error):
    with pytest.raises(TypeError, match=error):
        ImageStream(inputs)


@pytest.mark.parametrize('array, error', [
    (GREY.astype(np.float32), 'image 1 is an array of float32'), (GREY > 0, 'array of bool'),
    (np.zeros((2, 3, 4, 3), np.uint8), r'image 1 has shape \(2, 3, 4, 3\).*as a list'),
    (np.zeros((3, 4, 2), np.uint8), r'shape \(3, 4, 2\)'),
    (np.zeros((0, 4, 3), np.uint8), r'shape \(0, 4, 3\)')])
def test_arrays_that_are_no_images(array, error):
    with pytest.raises((TypeError, ValueError), match=error):
        list_sources([GREY, array])


def test_a_generator_is_refused_where_it_goes_wrong():
    stream = iter(ImageStream(item for item in [GREY, 3]))
    next(stream)
    with pytest.raises(TypeError, match='input 1 is of type int'):
        next(stream)


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(FileNotFoundError, match='no image and no folder at .*gone'):
        ImageStream(tmp_path / 'gone')
    (tmp_path / 'sub').mkdir()
    hint = '; folders in it are looked into if the search is recursive'
    for inputs, recursive, end in ((tmp_path, False, hint), ([tmp_path], False, hint),
                                   (tmp_path, True, ''), (f'{tmp_path}/*.jpg', False, '')):
        with pytest.raises(ValueError, match=f'no image .*: check the path{end}$'):
            ImageStream(inputs, recursive=recursive)
    with pytest.raises(ValueError, match="channel_order='RGB'"):
        ImageStream(GREY, 'RGB')
    with pytest.raises(TypeError, match='recursive=1'):
        ImageStream(GREY, recursive=1)
