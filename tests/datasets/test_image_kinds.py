"""Every kind of image has the same pixels, whichever way it comes in; the truth is by NumPy."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from reid_fusedloss.apis.sources import list_sources
from reid_fusedloss.datasets.load_image import BACKENDS
from reid_fusedloss.datasets.pil_pixels import pil_pixels
from reid_fusedloss.datasets.read_image import decode_image

DRAW = np.random.default_rng(0)
COLOURS = DRAW.integers(0, 256, (48, 32, 3), dtype=np.uint8)  # RGB
GREY, ALPHA = COLOURS[..., 0], DRAW.integers(0, 256, (48, 32), dtype=np.uint8)
WIDE = DRAW.integers(0, 65536, (48, 32, 3), dtype=np.uint16)
SMOOTH = cv2.resize(COLOURS[:3, :2], (32, 48), interpolation=cv2.INTER_CUBIC)
PALETTE = Image.fromarray(COLOURS).quantize(64)
INDEXED = np.array(PALETTE.getpalette(), np.uint8).reshape(-1, 3)[np.asarray(PALETTE)]
EXIF = 0x0112
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


def repeated(grey):
    return np.repeat(grey[..., None], 3, axis=2)


def written(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def by_opencv(suffix, image):
    return cv2.imencode(suffix, image)[1].tobytes()


def with_alpha(mode):
    image = Image.fromarray(COLOURS if mode == 'RGBA' else GREY).convert(mode)
    image.putalpha(Image.fromarray(ALPHA))
    return image


def turned(kind, turn, **options):
    exif = Image.Exif()
    exif[EXIF] = turn
    return written(Image.fromarray(COLOURS), kind, exif=exif, **options)


def several(kind, **options):
    others = [Image.fromarray(np.roll(COLOURS, step, 0)) for step in (5, 9)]
    return written(Image.fromarray(COLOURS), kind, save_all=True, append_images=others, **options)


RGB, L = Image.fromarray(COLOURS), Image.fromarray(GREY)
BITS = Image.fromarray(GREY > 99)
LOSSLESS = dict(lossless=True, exact=True)
BLENDED = (COLOURS * (ALPHA[..., None].astype(int)) + 127) // 255
EXACT = {
    'png 1': (written(BITS, 'PNG'), repeated((GREY > 99) * 255)),
    'png L': (written(L, 'PNG'), repeated(GREY)),
    'png LA': (written(with_alpha('LA'), 'PNG'), repeated(GREY)),
    'png P': (written(PALETTE, 'PNG'), INDEXED),
    'png P, 2 bits': (
        written(RGB.quantize(4), 'PNG', bits=2),
        np.asarray(RGB.quantize(4).convert('RGB')),
    ),
    'png P, transparent': (written(PALETTE, 'PNG', transparency=bytes(range(64))), INDEXED),
    'png P, one transparent': (written(PALETTE, 'PNG', transparency=3), INDEXED),
    'png RGB': (written(RGB, 'PNG'), COLOURS),
    'png RGB, one transparent': (
        written(RGB, 'PNG', transparency=tuple(map(int, COLOURS[0, 0]))),
        COLOURS,
    ),
    'png RGBA': (written(with_alpha('RGBA'), 'PNG'), COLOURS),
    'png 16 bits': (written(Image.fromarray(WIDE[..., 0]), 'PNG'), repeated(WIDE[..., 0] >> 8)),
    'png 16 bits, RGB': (by_opencv('.png', WIDE[..., ::-1]), WIDE >> 8),
    'png 16 bits, RGBA': (by_opencv('.png', np.dstack([WIDE[..., ::-1], WIDE[..., 0]])), WIDE >> 8),
    'bmp 1': (written(BITS, 'BMP'), repeated((GREY > 99) * 255)),
    'bmp L': (written(L, 'BMP'), repeated(GREY)),
    'bmp P': (written(PALETTE, 'BMP'), INDEXED),
    'bmp RGB': (written(RGB, 'BMP'), COLOURS),
    'bmp RGBA': (written(with_alpha('RGBA'), 'BMP'), COLOURS),
    'tiff 1': (written(BITS, 'TIFF'), repeated((GREY > 99) * 255)),
    'tiff L': (written(L, 'TIFF'), repeated(GREY)),
    'tiff P': (written(PALETTE, 'TIFF'), INDEXED),
    'tiff LA': (written(with_alpha('LA'), 'TIFF'), repeated(GREY)),
    'tiff RGB': (written(RGB, 'TIFF'), COLOURS),
    'tiff RGB, lzw': (written(RGB, 'TIFF', compression='tiff_lzw'), COLOURS),
    'tiff RGBA': (written(with_alpha('RGBA'), 'TIFF'), BLENDED),  # as libtiff does
    'tiff 16 bits': (written(Image.fromarray(WIDE[..., 0]), 'TIFF'), repeated(WIDE[..., 0] >> 8)),
    'webp RGB': (written(RGB, 'WEBP', **LOSSLESS), COLOURS),
    'webp RGBA': (written(with_alpha('RGBA'), 'WEBP', **LOSSLESS), COLOURS),
    'gif P': (written(PALETTE, 'GIF'), INDEXED),
    'gif P, one transparent': (written(PALETTE, 'GIF', transparency=3), INDEXED),
    'first of a tiff': (several('TIFF'), COLOURS),
    'first of a png': (several('PNG'), COLOURS),
    'first of a webp': (several('WEBP', **LOSSLESS), COLOURS),
    **{
        f'{kind} turned {turn}': (turned(kind.upper(), turn, **options), TURNS[turn](COLOURS))
        for kind, options in (('png', {}), ('tiff', {}), ('webp', LOSSLESS))
        for turn in TURNS
    },
}
LOSSY = {  # name -> file, largest difference between the two decoders
    'jpeg RGB': (written(Image.fromarray(SMOOTH), 'JPEG', quality=90), 2),
    'jpeg of noise': (written(RGB, 'JPEG', quality=90), 2),
    'jpeg L': (written(L, 'JPEG', quality=90), 2),
    'jpeg CMYK': (written(Image.fromarray(SMOOTH).convert('CMYK'), 'JPEG', quality=90), 3),
    'jpeg in steps': (written(RGB, 'JPEG', quality=90, progressive=True), 2),
    'webp': (written(RGB, 'WEBP', quality=80), 0),
    'tiff CMYK': (written(RGB.convert('CMYK'), 'TIFF'), 1),
    'tiff 16 bits, RGB': (by_opencv('.tiff', WIDE), 1),  # Pillow takes the upper 8 bits
    **{f'jpeg turned {turn}': (turned('JPEG', turn, quality=90), 2) for turn in TURNS},
}


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('name', EXACT)
def test_lossless_files(name, backend):
    content, truth = EXACT[name]
    found = decode_image(content, backend=backend)
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, truth[..., ::-1])


@pytest.mark.parametrize('name', EXACT)
def test_what_pillow_has_opened_is_as_its_file(name):
    content, truth = EXACT[name]
    with Image.open(io.BytesIO(content)) as image:
        (found,) = list_sources(image)
    assert found.problem is None
    np.testing.assert_array_equal(found.image, truth[..., ::-1])


@pytest.mark.parametrize('name', LOSSY)
def test_lossy_files(name):
    content, tolerance = LOSSY[name]
    default = decode_image(content).astype(int)
    with Image.open(io.BytesIO(content)) as image:
        opened = pil_pixels(image, 10**6)
    for found in (decode_image(content, backend='pillow'), opened):
        assert found.shape == default.shape and np.abs(found - default).max() <= tolerance
    plain = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(plain, default)


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize(
    'content',
    [
        written(Image.fromarray(GREY / np.float32(255)), 'TIFF'),
        written(Image.fromarray(GREY.astype(np.int32)), 'TIFF'),
        by_opencv('.tiff', COLOURS / np.float32(255)),
        by_opencv('.tiff', GREY / 255.0),
    ],
    ids=['F', 'I', 'RGB of floats', 'doubles'],
)
def test_values_without_a_range_are_refused(content, backend):
    with pytest.raises(ValueError, match='such as one of floating-point numbers'):
        decode_image(content, backend=backend)


MODES = {
    '1': repeated((GREY > 99) * 255),
    'L': repeated(GREY),
    'LA': repeated(GREY),
    'P': INDEXED,
    'RGB': COLOURS,
    'RGBA': COLOURS,
    'RGBX': COLOURS,
    'PA': INDEXED,
    'I;16': repeated(WIDE[..., 0] >> 8),
    'I;16B': repeated(WIDE[..., 0] >> 8),
}


@pytest.mark.parametrize('mode', MODES)
def test_modes_of_pillow(mode):
    made = {
        '1': lambda: BITS,
        'L': lambda: L,
        'LA': lambda: with_alpha('LA'),
        'P': lambda: PALETTE,
        'RGBA': lambda: with_alpha('RGBA'),
        'PA': lambda: PALETTE.convert('PA'),
        'I;16': lambda: Image.fromarray(WIDE[..., 0]),
        'I;16B': lambda: Image.fromarray(WIDE[..., 0].astype(np.int32)).convert('I;16B'),
    }
    image = made.get(mode, lambda: RGB.convert(mode))()
    assert image.mode == mode
    (found,) = list_sources(image)
    np.testing.assert_array_equal(found.image, MODES[mode][..., ::-1])


@pytest.mark.parametrize(
    'mode, tolerance', [('CMYK', 1), ('YCbCr', 3), ('HSV', 9), ('RGBa', 0), ('La', 0)]
)
def test_other_colour_spaces(mode, tolerance):
    """There and back again, where opaque."""
    image = RGB.convert('RGBA' if mode == 'RGBa' else 'LA' if mode == 'La' else 'RGB').convert(mode)
    (found,) = list_sources(image)
    truth = repeated(np.asarray(RGB.convert('L'))) if mode == 'La' else COLOURS
    assert np.abs(found.image.astype(int) - truth[..., ::-1]).max() <= tolerance


@pytest.mark.parametrize(
    'image',
    [
        Image.fromarray(GREY.astype(np.int32)),
        Image.fromarray(GREY / np.float32(255)),
        Image.new('LAB', (4, 5)),
    ],
    ids=['I', 'F', 'LAB'],
)
def test_modes_without_a_range_are_reported(image):
    found, after = list_sources([image, L])
    assert found.image is None and f'its mode {image.mode!r} does not say' in found.problem
    assert after.image is not None


def test_pictures_of_too_many_pixels_or_none_are_reported():
    found = list_sources([Image.new('1', (10**4, 10**4)), Image.new('RGB', (0, 5))])
    assert '10000 x 10000 pixels, more than' in found[0].problem
    assert 'it has no pixel, its size is 0 x 5' in found[1].problem
