"""Every kind of image file becomes (H, W, 3) uint8 BGR, or an error that names it."""

import io
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from reid_fusedloss.datasets import LoadReIDImage
from reid_fusedloss.datasets.load_image import UnreadableImageError

RGB = (200, 100, 50)


def load(path, **options):
    return LoadReIDImage(**options)(dict(img_path=str(path)))


def pillow_bytes(mode: str, kind: str) -> bytes:
    image = Image.new('RGB', (16, 32), RGB)
    if mode == 'I;16':
        image = Image.fromarray(np.full((32, 16), 200 * 257, np.uint16))
    elif mode != 'RGB':
        image = image.quantize() if mode == 'P' else image.convert(mode)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack('>I', zlib.crc32(name + content))
        return struct.pack('>I', len(content)) + name + content + checksum

    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + chunk(b'IDAT', zlib.compress(bytes(100)))
        + chunk(b'IEND', b'')
    )


def noise(suffix: str) -> bytes:
    image = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    return cv2.imencode(suffix, image)[1].tobytes()


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize(
    'mode, kind',
    [
        ('RGB', 'JPEG'),
        ('CMYK', 'JPEG'),
        ('RGB', 'PNG'),
        ('RGBA', 'PNG'),
        ('P', 'PNG'),
        ('RGB', 'BMP'),
        ('P', 'BMP'),
        ('RGB', 'TIFF'),
        ('CMYK', 'TIFF'),
        ('RGB', 'WEBP'),
        ('RGBA', 'WEBP'),
    ],
)
def test_colours_become_bgr(tmp_path, mode, kind, backend):
    (tmp_path / 'a.jpg').write_bytes(pillow_bytes(mode, kind))
    results = load(tmp_path / 'a.jpg', backend=backend)
    image = results['img']
    assert (image.shape, image.dtype) == ((32, 16, 3), np.uint8)
    assert results['img_shape'] == results['ori_shape'] == (32, 16)
    assert np.abs(image.astype(int) - RGB[::-1]).max() <= 4


@pytest.mark.parametrize(
    'mode, kind, value',
    [
        ('L', 'JPEG', 124),
        ('L', 'PNG', 124),
        ('LA', 'PNG', 124),
        ('1', 'PNG', None),
        ('I;16', 'PNG', 200),
        ('I;16', 'TIFF', 200),
    ],
)
def test_grey_is_repeated_and_16_bits_become_8(tmp_path, mode, kind, value):
    (tmp_path / 'a.png').write_bytes(pillow_bytes(mode, kind))
    image = load(tmp_path / 'a.png')['img']
    assert (image.shape, image.dtype) == ((32, 16, 3), np.uint8)
    assert (image == image[..., :1]).all()
    assert value is None and set(image.ravel()) == {0, 255} or (image == value).all()


def test_16_bit_colours(tmp_path):
    wide = np.full((32, 16, 3), (50 * 257, 100 * 257, 200 * 257), np.uint16)
    (tmp_path / 'a.png').write_bytes(cv2.imencode('.png', wide)[1].tobytes())
    assert np.abs(load(tmp_path / 'a.png')['img'].astype(int) - (50, 100, 200)).max() <= 1


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'no image',
        b'<html>' * 99,
        b'\xff\xd8\xff\xe0' + bytes(100),
        b'\xff\xd8',
        b'\xff' * 50,
        b'\x89PNG\r\n\x1a\n',
        png_header(0, 5),
        noise('.jpg')[:-2],
        noise('.jpg')[:700],
        noise('.jpg')[:-200],
        noise('.png')[:3000],
        noise('.bmp')[:3000],
        noise('.webp')[:2000],
        noise('.tiff')[:3000],
        pillow_bytes('RGB', 'PNG')[:40],
    ],
)
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / '0001_c1.jpg'
    path.write_bytes(content)
    for backend in ('cv2', 'pillow'):
        with pytest.raises(UnreadableImageError, match='0001_c1.jpg cannot be decoded.*remove the'):
            load(path, backend=backend)


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(noise('.jpg') + b'camera data' * 10)
    assert load(tmp_path / 'a.jpg')['img'].shape == (64, 32, 3)


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / 'a.jpg'
    path.write_bytes(noise('.jpg'))
    size = path.stat().st_size
    assert load(path, max_bytes=size)['img'].shape == (64, 32, 3)
    monkeypatch.setattr('builtins.open', None)
    with pytest.raises(UnreadableImageError, match=f'it has {size} bytes, more than max_bytes='):
        load(path, max_bytes=size - 1)
    os.truncate(path, 2**40)  # a sparse file: takes no disk
    with pytest.raises(UnreadableImageError, match='max_bytes=67108864'):
        load(path)


def test_images_of_too_many_pixels_are_not_decoded(tmp_path, monkeypatch):
    jpeg = bytearray(pillow_bytes('RGB', 'JPEG'))
    frame = jpeg.index(b'\xff\xc0')
    jpeg[frame + 5 : frame + 9] = struct.pack('>HH', 30000, 20000)
    contents = dict(jpeg=bytes(jpeg), png=png_header(20000, 30000))
    for kind in ('BMP', 'WEBP', 'TIFF', 'JPEG', 'PNG'):
        contents[kind] = pillow_bytes('RGB', kind)
    monkeypatch.setattr('cv2.imdecode', None)
    for kind, content in contents.items():
        (tmp_path / 'a.jpg').write_bytes(content)
        size, most = ('32 x 16', 511) if kind.isupper() else ('30000 x 20000', 2**26)
        with pytest.raises(UnreadableImageError, match=f'{size} pixels, more than .*={most}'):
            load(tmp_path / 'a.jpg', max_pixels=most)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'pipe.jpg')
    (tmp_path / 'folder.jpg').mkdir()
    for name in ('pipe.jpg', 'folder.jpg'):
        with pytest.raises(UnreadableImageError, match='not a regular file'):
            load(tmp_path / name)
    with pytest.raises(FileNotFoundError, match='no such file: .*gone.jpg'):
        load(tmp_path / 'gone.jpg')


def test_no_permission_counts_as_unreadable_and_no_memory_does_not(tmp_path, monkeypatch):
    (tmp_path / 'a.jpg').write_bytes(noise('.jpg'))

    def refuse(error):
        def open_file(*args, **kwargs):
            raise error

        return open_file

    monkeypatch.setattr('builtins.open', refuse(PermissionError(13, 'Permission denied')))
    with pytest.raises(UnreadableImageError, match='a.jpg cannot be decoded .*Permission denied'):
        load(tmp_path / 'a.jpg')
    monkeypatch.setattr('builtins.open', refuse(MemoryError()))
    with pytest.raises(MemoryError):
        load(tmp_path / 'a.jpg')


@pytest.mark.parametrize(
    'image, error',
    [
        (np.zeros((4, 4), np.uint8), ValueError),
        (np.zeros((4, 4, 4), np.uint8), ValueError),
        (np.zeros((0, 4, 3), np.uint8), ValueError),
        (np.zeros((4, 4, 3), np.float32), TypeError),
        (np.zeros((4, 4, 3), bool), TypeError),
        ([[0]], TypeError),
        ('a.jpg', TypeError),
    ],
)
def test_an_image_in_the_record_is_checked(image, error):
    with pytest.raises(error, match='`img` of the record 0001_c1.jpg must be') as caught:
        LoadReIDImage()(dict(img=image, img_path='0001_c1.jpg'))
    assert not isinstance(caught.value, UnreadableImageError)


def test_an_image_in_the_record_is_taken():
    image = np.zeros((4, 5, 3), np.uint8)
    results = LoadReIDImage()(dict(img=image, img_path='never read'))
    assert results['img'] is image and results['img_shape'] == (4, 5)


@pytest.mark.parametrize(
    'options, error',
    [
        (dict(max_bytes=0), ValueError),
        (dict(max_bytes=1e6), TypeError),
        (dict(max_pixels='many'), TypeError),
        (dict(max_pixels=True), TypeError),
        (dict(backend='opencv'), ValueError),
        (dict(backend=None), ValueError),
    ],
)
def test_bad_options(options, error):
    with pytest.raises(error, match=next(iter(options))):
        LoadReIDImage(**options)
