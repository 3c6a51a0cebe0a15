"""Files of some hundred bytes that claim, each in its own way, to be 30,000 pixels wide and high."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

SIDE = 30000  # 2.7 GB of pixels; a frame of WebP can have 16383


def saved(kind: str, mode: str = 'RGB', size: tuple[int, int] = (16, 16), **options) -> bytes:
    """A small image in a format of Pillow."""
    colours = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).convert(mode).save(file, kind, **options)
    return file.getvalue()


def jpeg(before_frame: bytes = b'', **options) -> bytes:
    """Its frame header lies; other bytes may stand before it."""
    content = bytearray(saved('JPEG', **options))
    frame = max(content.find(b'\xff\xc0'), content.find(b'\xff\xc2'))
    content[frame + 5 : frame + 9] = struct.pack('>HH', SIDE, SIDE)
    return bytes(content[:frame]) + before_frame + bytes(content[frame:])


def chunk(name: bytes, content: bytes) -> bytes:
    """Of a PNG, with its checksum."""
    checksum = struct.pack('>I', zlib.crc32(name + content))
    return struct.pack('>I', len(content)) + name + content + checksum


def png(side: int = SIDE, later: bytes = b'', pixels: bytes = bytes(100)) -> bytes:
    """Its IHDR lies; chunks may stand between it and the pixels."""
    header = struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + later
        + chunk(b'IDAT', zlib.compress(pixels))
        + chunk(b'IEND', b'')
    )


def apng() -> bytes:
    """A frame that is larger than its picture."""
    frame = struct.pack('>IIIIIHHBB', 0, SIDE, SIDE, 0, 0, 1, 1, 0, 0)
    return png(16, chunk(b'acTL', struct.pack('>II', 2, 0)) + chunk(b'fcTL', frame), bytes(49 * 16))


def patched(content: bytes, place: int, values: bytes) -> bytes:
    """With other bytes in a place."""
    return content[:place] + values + content[place + len(values) :]


def webp(extended: bool = False, lossless: bool = False) -> bytes:
    """The frame lies, or the canvas around it."""
    content = saved('WEBP', lossless=lossless)
    side = 16383
    if extended:
        canvas = struct.pack('<II', 0, SIDE - 1)[:7] + struct.pack('<I', SIDE - 1)[:3]
        return content[:12] + b'VP8X' + struct.pack('<I', 10) + canvas + content[12:]
    if lossless:
        (bits,) = struct.unpack_from('<I', content, 21)
        return patched(content, 21, struct.pack('<I', bits >> 28 << 28 | side - 1 << 14 | side - 1))
    return patched(content, 26, struct.pack('<HH', side, side))


def gif(frame: bool = False) -> bytes:
    """The screen lies, or the first frame on it."""
    content, size = saved('GIF', 'P'), struct.pack('<HH', SIDE, SIDE)
    return patched(content, content.index(b',\0\0\0\0') + 5 if frame else 6, size)


def tiff(
    tags: dict[int, int],
    order: str = '<',
    twice: bool = False,
    compression: int = 1,
    big: bool = False,
) -> bytes:
    """Baseline RGB of 16 x 16 with other values of some tags, or with these a second time."""
    entries = {256: 16, 257: 16, 258: 8, 259: compression, 262: 1, 277: 1, 278: 16, 279: 256}
    listed = sorted(
        [*entries.items(), *tags.items()] if twice else (entries | tags).items(),
        key=lambda entry: entry[0],
    )
    tiled = 322 in tags
    offset = 324 if tiled else 273
    listed = sorted(
        [
            *(e for e in listed if not tiled or e[0] not in (278, 279)),
            (offset, 0),
            *([(325, 256)] if tiled else []),
        ],
        key=lambda entry: entry[0],
    )
    start = 16 if big else 8
    count, entry, word = ('Q', 'HHQ', 'Q') if big else ('H', 'HHI', 'I')
    step = struct.calcsize(f'{order}{entry}{word}')
    end = start + struct.calcsize(f'{order}{count}') + step * len(listed) + struct.calcsize(word)
    body = struct.pack(f'{order}{count}', len(listed))
    for tag, value in listed:
        body += struct.pack(
            f'{order}{entry}{word}', tag, 16 if big else 4, 1, end if tag == offset else value
        )
    mark = b'II' if order == '<' else b'MM'
    head = (
        mark + struct.pack(f'{order}HHHQ', 43, 8, 0, start)
        if big
        else mark + struct.pack(f'{order}HI', 42, start)
    )
    return head + body + struct.pack(f'{order}{word}', 0) + bytes(256)


SIZE = {256: SIDE, 257: SIDE}
BOMBS = {
    'jpeg': jpeg(),
    'jpeg of steps': jpeg(progressive=True),
    'jpeg grey': jpeg(mode='L'),
    'jpeg cmyk': jpeg(mode='CMYK'),
    'jpeg after a restart': jpeg(b'\xff\xd0'),
    'jpeg after a TEM': jpeg(b'\xff\x01'),
    'jpeg after junk': jpeg(b'junk'),
    'jpeg after padding': jpeg(b'\xff\xff\xff'),
    'jpeg after stuffing': jpeg(b'\xff\0'),
    'jpeg after a length of 0': jpeg(b'\xff\xe5\0\0'),
    'jpeg of two frames': jpeg(b'\xff\xc0\0\x11\x08\0\x10\0\x10\3\1\x22\0\2\x11\1\3\x11\1'),
    'png': png(),
    'png of two headers': png(
        16, chunk(b'IHDR', struct.pack('>IIBBBBB', SIDE, SIDE, 8, 2, 0, 0, 0))
    ),
    'apng': apng(),
    'bmp': patched(saved('BMP'), 18, struct.pack('<ii', SIDE, SIDE)),
    'bmp upside down': patched(saved('BMP'), 18, struct.pack('<ii', SIDE, -SIDE)),
    'bmp of OS/2': b'BM' + struct.pack('<IIIIHHHH', 99, 0, 26, 12, SIDE, SIDE, 1, 24) + bytes(99),
    'webp': webp(),
    'webp lossless': webp(lossless=True),
    'webp canvas': webp(True),
    'gif': gif(),
    'gif frame': gif(True),
    'tiff': tiff(SIZE),
    'tiff of a Mac': tiff(SIZE, '>'),
    'tiff twice': tiff(SIZE, twice=True),
    'tiff deflated': tiff(SIZE, compression=8),
    'tiff jpeg': tiff(SIZE, compression=7),
    'tiff tile': tiff({322: 32768, 323: 16384}),
    'bigtiff': tiff(SIZE, big=True),
    'tiff one strip': tiff({**SIZE, 278: SIDE}),
}
# made by the same functions, without a lie
HARMLESS = {
    'tiff': tiff({}),
    'tiff of a Mac': tiff({}, '>'),
    'bigtiff': tiff({}, big=True),
    'png': png(16, pixels=bytes(49 * 16)),
    'jpeg': saved('JPEG'),
    'bmp': saved('BMP'),
    'webp': saved('WEBP'),
    'webp lossless': saved('WEBP', lossless=True),
    'gif': saved('GIF', 'P'),
}
