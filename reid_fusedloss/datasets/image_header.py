"""Read the kind and the size of an image from its file, before decoding."""

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
# SOF0 to SOF15 without DHT, JPG and DAC: the segment that holds the size
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN, _END = 0xDA, 0xD9
# a marker with a length, after any padding; TEM, RST0 to RST7 and SOI have none
_MARKER = re.compile(rb'\xff([^\x00\x01\xd0-\xd8\xff])', re.DOTALL)
_MOST_SEGMENTS = 2**16  # before the frame; files have some dozen
# TIFF: tags of sizes, and the formats of the types that libtiff takes for them
_WIDTHS, _HEIGHTS = (256, 322), (257, 323)  # of the image, of a tile
_INTEGERS = {1: 'B', 3: 'H', 4: 'I', 6: 'b', 8: 'h', 9: 'i', 13: 'I', 16: 'Q', 17: 'q', 18: 'Q'}


class ImageHeader(NamedTuple):
    """Format and size of an image, read from the start of its file.

    Attributes:
        kind: one of `KINDS`.
        height: in pixels.
        width: in pixels.
    """

    kind: str
    height: int
    width: int


def check_header(content: bytes, max_pixels: int) -> str:
    """Reject an image that would take too much memory, or a truncated JPEG.

    A file of a few hundred bytes can claim a billion pixels, and OpenCV 4 fills the missing
    part of a truncated JPEG with grey. A file whose size cannot be read here is not decoded.

    Args:
        content: the whole file.
        max_pixels: most that an image may have, height x width.

    Returns:
        The kind of the file, one of `KINDS`.

    Raises:
        ValueError: if it is too large, truncated, or not one of `KINDS`.
    """
    kind, height, width = read_header(content)
    if height * width > max_pixels:
        raise ValueError(f'it has {height} x {width} pixels, more than max_pixels={max_pixels}')
    if kind == 'JPEG' and not content.endswith(JPEG_END):
        if content.rfind(JPEG_END, _jpeg_frame(content)) < 0:
            raise ValueError('the file is truncated')
    return kind


def read_header(content: bytes) -> ImageHeader:
    """Read the format and the size of an image; it takes microseconds.

    Args:
        content: the whole file.

    Raises:
        ValueError: if the file is not one of `KINDS`, or its header is corrupt.
    """
    for kind, (starts, size) in KINDS.items():
        if content.startswith(starts) and (kind != 'WebP' or content[8:12] == b'WEBP'):
            try:
                height, width = size(content)
            except (struct.error, OverflowError):
                raise ValueError(f'its {kind} header is truncated') from None
            return ImageHeader(kind, height, width)
    raise ValueError(f'it is not one of {", ".join(KINDS)}')


def _jpeg_size(content: bytes) -> tuple[int, int]:
    return struct.unpack_from('>HH', content, _jpeg_frame(content) + 3)


def _jpeg_frame(content: bytes) -> int:
    """Find the offset of the frame header's length, as libjpeg does.

    Bytes between two segments are skipped, and some markers have no length.

    Raises:
        ValueError: if there is none before the pixels.
    """
    place = 2
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(content, place)
        if found is None or found[1][0] in (_SCAN, _END):
            break
        place = found.end()
        if found[1][0] in _FRAMES:
            return place
        place += max(2, *struct.unpack_from('>H', content, place))
    raise ValueError('it has no frame header (JPEG), which says its size')


def _png_size(content: bytes) -> tuple[int, int]:
    if content[12:16] != b'IHDR':
        raise ValueError('it does not begin with IHDR (PNG), which says its size')
    width, height = struct.unpack_from('>II', content, 16)
    return height, width


def _bmp_size(content: bytes) -> tuple[int, int]:
    (length,) = struct.unpack_from('<I', content, 14)
    width, height = struct.unpack_from('<HH' if length == 12 else '<ii', content, 18)
    return abs(height), abs(width)


def _gif_size(content: bytes) -> tuple[int, int]:
    """Read the size of the screen, on which frames are drawn."""
    width, height = struct.unpack_from('<HH', content, 6)
    return height, width


def _webp_size(content: bytes) -> tuple[int, int]:
    chunk = content[12:16]
    if chunk == b'VP8X':
        (bits,) = struct.unpack('<Q', content[24:30] + bytes(2) if len(content) >= 30 else b'')
        return (bits >> 24) + 1, (bits & 0xFFFFFF) + 1
    if chunk == b'VP8L':
        (bits,) = struct.unpack_from('<I', content, 21)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if chunk != b'VP8 ':
        raise ValueError(f'it begins with {chunk!r} (WebP), which does not say its size')
    width, height = struct.unpack_from('<HH', content, 26)
    return height & 0x3FFF, width & 0x3FFF


def _tiff_size(content: bytes) -> tuple[int, int]:
    """Read the largest size in the first directory, of the image or of a tile.

    A tag may occur twice: libtiff takes the first, others the last.
    """
    order = '<' if content.startswith(b'II') else '>'
    big = struct.unpack_from(f'{order}H', content, 2)[0] == 43
    (start,) = struct.unpack_from(f'{order}{"Q" if big else "I"}', content, 8 if big else 4)
    (number,) = struct.unpack_from(f'{order}{"Q" if big else "H"}', content, start)
    first, step, room = start + (8 if big else 2), 20 if big else 12, 8 if big else 4
    most = {tag: [0] for tag in (*_WIDTHS, *_HEIGHTS)}
    for place in range(first, first + step * min(number, 2**16), step):
        tag, kind = struct.unpack_from(f'{order}HH', content, place)
        if tag in most and kind in _INTEGERS:
            value = place + step - room
            if struct.calcsize(_INTEGERS[kind]) > room:  # the value is elsewhere in the file
                (value,) = struct.unpack_from(f'{order}I', content, value)
            most[tag] += struct.unpack_from(f'{order}{_INTEGERS[kind]}', content, value)
    (width, tile_width), (height, tile_height) = (
        [max(map(abs, most[tag])) for tag in tags] for tags in (_WIDTHS, _HEIGHTS)
    )
    if not width or not height:
        raise ValueError('its first directory (TIFF) does not say its size')
    if tile_width * tile_height > width * height + 2**20:  # a small image has a larger tile
        return tile_height, tile_width
    return height, width


# what a file of the kind begins with, and its height and width
KINDS: dict[str, tuple[tuple[bytes, ...], Callable[[bytes], tuple[int, int]]]] = dict(
    JPEG=((JPEG_START,), _jpeg_size),
    PNG=((b'\x89PNG\r\n\x1a\n',), _png_size),
    BMP=((b'BM',), _bmp_size),
    WebP=((b'RIFF',), _webp_size),
    TIFF=((b'II*\0', b'MM\0*', b'II+\0', b'MM\0+'), _tiff_size),
    GIF=((b'GIF87a', b'GIF89a'), _gif_size),
)
