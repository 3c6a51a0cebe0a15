"""Convert a Pillow image to the pixels that OpenCV reads from its file."""

import numpy as np
from PIL import Image, ImageOps

# by mode, what it is converted to before its colours are taken; transparency is dropped
_STEPS = {
    '1': ['RGB'],
    'L': ['RGB'],
    'LA': ['RGB'],
    'La': ['LA', 'RGB'],
    'P': ['RGBA'],
    'PA': ['RGBA'],
    'RGB': [],
    'RGBA': [],
    'RGBa': ['RGBA'],
    'RGBX': ['RGB'],
    'CMYK': ['RGB'],
    'YCbCr': ['RGB'],
    'HSV': ['RGB'],
}


def pil_pixels(image: Image.Image, max_pixels: int) -> np.ndarray:
    """Decode a Pillow image: (H, W, 3), uint8, BGR, rotated as its EXIF tag says.

    Args:
        image: of any mode whose range of values is known: 16 bits become their upper 8.
        max_pixels: most that it may have, height x width; checked before it is decoded.

    Raises:
        ValueError: if it has more pixels, none, or another mode, such as 'I' and 'F' (32 bits,
            whose range of values is unknown).
    """
    width, height = image.size
    if width * height > max_pixels:
        raise ValueError(f'it has {height} x {width} pixels, more than max_pixels={max_pixels}')
    if not width * height:
        raise ValueError(f'it has no pixel, its size is {width} x {height}')
    kind, mode = image.format, image.mode
    wide = mode.startswith('I;16') or mode == 'I' and kind == 'PNG'  # so Pillow 10 opened 16 bits
    if not wide and mode not in _STEPS:
        raise ValueError(
            f'its mode {mode!r} does not say which values are black and white: '
            "convert it to 'L' or 'RGB' first"
        )
    image = ImageOps.exif_transpose(image)
    if wide:
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    for step in _STEPS[mode]:
        image = image.convert(step)
    pixels = np.asarray(image)
    colours = pixels[..., :3]
    if kind == 'TIFF' and mode == 'RGBA':  # whose alpha OpenCV multiplies with the colours
        colours = ((colours * pixels[..., 3:].astype(int) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(colours[..., ::-1])
