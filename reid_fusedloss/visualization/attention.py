"""Sheets of attention maps: each image beside its overlays, with a colour bar."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from mmengine.visualization.utils import convert_overlay_heatmap

from ..checks import check_int
from .canvas import PathLike, fit, save_png
from .lettering import Lettering
from .panels import GREY, TEXT

GAP = 4  # pixels between an image and its overlays, as all lengths below
SPACE = 26  # between two images
MARGIN = 16
HEADER = 84
CAPTION = 40
BAR = 84
MIN_WIDTH = 560
MIN_TILE_WIDTH = 96


@dataclass(frozen=True)
class AttentionMaps:
    """An image and its attention maps.

    Attributes:
        name: of the image.
        image: as the network saw it, shape (H, W, 3), uint8, RGB.
        maps: by method, shape (H, W), from 0 to 1.
        note: a line below the name.
    """

    name: str
    image: np.ndarray
    maps: dict[str, np.ndarray]
    note: str = ''


def overlay(image: np.ndarray, attention: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """Blend a map into its image, blue where it is lowest and red where it is highest.

    Args:
        image: shape (H, W, 3), uint8, RGB.
        attention: shape (H, W).
        alpha: weight of the map.
    """
    return convert_overlay_heatmap(np.asarray(attention, np.float32), image, alpha)


def draw_attention(
    images: Sequence[AttentionMaps],
    *,
    title: str = '',
    caption: str = '',
    width: int = 1200,
    height: int = 256,
) -> np.ndarray:
    """Draw a sheet: each image and an overlay of each of its maps.

    Args:
        images: all with the same kinds of maps.
        title: of the picture.
        caption: what the colours mean, below the title.
        width: of the picture in pixels, about.
        height: of an image in pixels; narrow images are drawn higher.

    Returns:
        RGB picture, uint8, shape (H, W, 3).

    Raises:
        TypeError: if width or height is not an integer.
        ValueError: if there is no image, or width or height is not positive.
    """
    check_int('width', width)
    check_int('height', height)
    if not images:
        raise ValueError('nothing to draw: there is no image')
    strips = [_strip(image, height) for image in images]
    tile = strips[0].shape[1], max(strip.shape[0] for strip in strips)
    columns = min(max(1, (width - 2 * MARGIN - BAR + SPACE) // (tile[0] + SPACE)), len(strips))
    rows = math.ceil(len(strips) / columns)
    size = (
        max(2 * MARGIN + columns * (tile[0] + SPACE) - SPACE + BAR, MIN_WIDTH),
        HEADER + rows * (tile[1] + CAPTION) + MARGIN,
    )
    steps = tile[0] + SPACE, tile[1] + CAPTION
    places = [
        (MARGIN + number % columns * steps[0], HEADER + number // columns * steps[1])
        for number in range(len(strips))
    ]
    canvas = np.full((size[1], size[0], 3), 255, np.uint8)
    for (x, y), strip in zip(places, strips):
        canvas[y : y + strip.shape[0], x : x + strip.shape[1]] = strip
    return _write_lettering(canvas, images, places, tile, columns, title, caption)


def save_attention(images: Sequence[AttentionMaps], out_png: PathLike, **options: Any) -> Path:
    """Draw `draw_attention`, whose options follow, into a PNG, whole or not at all."""
    return save_png(draw_attention(images, **options), out_png)


def _strip(item: AttentionMaps, height: int) -> np.ndarray:
    """Put the image and its overlays side by side, without the two lowest bits of each pixel.

    They are invisible, and a PNG without them is a third smaller; see `canvas.paint_tile`.
    """
    h, w = item.image.shape[:2]
    scale = max(height / h, MIN_TILE_WIDTH / w)
    tiles = [item.image, *(overlay(item.image, found) for found in item.maps.values())]
    tiles = [fit(tile, round(w * scale), round(h * scale)) & 0xFC | 2 for tile in tiles]
    gap = np.full((tiles[0].shape[0], GAP, 3), 255, np.uint8)
    return np.hstack([part for tile in tiles for part in (tile, gap)][:-1])


def _write_lettering(
    canvas: np.ndarray,
    images: Sequence[AttentionMaps],
    places: list[tuple[int, int]],
    tile: tuple[int, int],
    columns: int,
    title: str,
    caption: str,
) -> np.ndarray:
    """Add title, names and colour bar."""
    lettering = Lettering(canvas)
    put = partial(lettering.put, keep_end=True)
    room = lettering.width - 2 * MARGIN
    put(MARGIN, 22, title, 12, limit=room, weight='bold')
    put(MARGIN, 44, caption, 8.5, GREY, limit=room)
    kinds = ['image', *images[0].maps]
    step = (tile[0] + GAP) / len(kinds)
    for left, _ in places[:columns]:
        for number, kind in enumerate(kinds):
            x = left + number * step + (step - GAP) / 2
            put(x, HEADER - 12, kind, 8.5, limit=step, ha='center')
    for (x, y), item in zip(places, images):
        put(x, y + tile[1] + 11, Path(item.name).name, 8, limit=tile[0])
        put(x, y + tile[1] + 25, item.note, 7.5, GREY, limit=tile[0])
    _add_bar(lettering, tile[1])
    return lettering.to_array()


def _add_bar(lettering: Lettering, length: int) -> None:
    """Draw the colour scale right of the first row."""
    width, height = lettering.width, lettering.height
    axes = lettering.figure.add_axes(
        ((width - BAR + 14) / width, 1 - (HEADER + length) / height, 14 / width, length / height)
    )
    bar = lettering.figure.colorbar(ScalarMappable(cmap='jet'), cax=axes, ticks=[0, 1])
    bar.ax.set_yticklabels(['lowest', 'highest'], fontsize=7.5, **TEXT)
    if bar.solids is not None:
        bar.solids.set_alpha(0.75)
    bar.outline.set_visible(False)
