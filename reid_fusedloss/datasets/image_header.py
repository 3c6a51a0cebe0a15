"""What the first bytes of an image file say, read before its pixels take memory."""
import struct
from io import BytesIO
from typing import Optional

from PIL import Image, UnidentifiedImageError

JPEG, PNG = b'\xff\xd8', b'\x89PNG\r\n\x1a\n'
JPEG_END = b'\xff\xd9'
# SOF0 to SOF15 without DHT, JPG and DAC: the segment that holds the size
_FRAMES = frozenset(range(0xc0, 0xd0)) - {0xc4, 0xc8, 0xcc}


def check_header(content: bytes, max_pixels: int) -> None:
    """Refuse an image that would take too much memory, or a JPEG that is cut off.

    A file of a few hundred bytes can claim a billion pixels, and OpenCV 4 fills what is missing of
    a cut JPEG with grey. Costs microseconds for JPEG and PNG; other formats are read by Pillow.

    Args:
        content: the whole file.
        max_pixels: most that an image may have, height x width.

    Raises:
        ValueError: if one of these is found.
    """
    if content.startswith(JPEG):
        frame = _jpeg_frame(content)
        size = None if frame is None else struct.unpack_from('>HH', content, frame + 5)
        if content.rfind(JPEG_END, frame or 0) < 0:
            raise ValueError('the file is cut off')
    elif content.startswith(PNG) and len(content) >= 24:
        size = struct.unpack_from('>II', content, 16)[::-1]
    else:
        size = _pillow_size(content)
    if size is not None and size[0] * size[1] > max_pixels:
        raise ValueError(f'it has {size[0]} x {size[1]} pixels, more than max_pixels={max_pixels}')


def _jpeg_frame(content: bytes) -> Optional[int]:
    """Place of the frame header's marker; None if the segments do not lead to one."""
    place, last = 2, len(content) - 9
    while 0 < place <= last and content[place] == 0xff:
        marker = content[place + 1]
        if marker in _FRAMES:
            return place
        if marker == 0xff:  # a byte of padding
            place += 1
        else:
            place += 2 + (content[place + 2] << 8 | content[place + 3])
    return None


def _pillow_size(content: bytes) -> Optional[tuple[int, int]]:
    try:
        with Image.open(BytesIO(content)) as image:
            return image.height, image.width
    except UnidentifiedImageError:
        return None
