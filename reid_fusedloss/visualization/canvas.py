"""Pixels: fit images into framed tiles, render figures, write PNG files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..datasets.read_image import UnreadableImageError, read_image
from ..whole_file import PathLike, whole_file

RGB = tuple[int, int, int]
Images = list[list[np.ndarray | None]]  # per row: the query's, then those of its gallery

MATCH: RGB = (0, 114, 178)  # blue and vermilion of Okabe & Ito, safe for colour-blind readers
MISMATCH: RGB = (213, 94, 0)
UNKNOWN: RGB = (150, 150, 150)
QUERY: RGB = (51, 51, 51)
PLACEHOLDER: RGB = (200, 200, 200)
MATTE: RGB = (244, 244, 244)

FRAME = 4  # pixels, as all lengths below
DASH = 8
LEFT = 122  # room for the text beside a query
HEADER = 62
CAPTION = 20
ROW_GAP = 8
MIN_PITCH = 86  # of rows: five lines beside the query
COLUMN_GAP = 6
QUERY_GAP = 20
MARGIN = 14
LEGEND_Y = 20
SWATCHES = (14, 98, 228, 358, 488)  # x of the legend's samples, and where the last of four ends
MIN_WIDTH = 900  # of the picture: the legend


class Verdict(Enum):
    """The meaning of a frame: its colour, whether it is dashed, and its label in the legend."""

    QUERY = (QUERY, False, 'query')
    MATCH = (MATCH, False, 'same identity')
    MISMATCH = (MISMATCH, True, 'other identity')
    UNKNOWN = (UNKNOWN, False, 'identity unknown')


def judge(rows: Sequence[Sequence[Mapping]]) -> list[list[Verdict]]:
    """Judge rows of a query and its gallery entries by their `match`; None: identity unknown."""
    kinds = {True: Verdict.MATCH, False: Verdict.MISMATCH, None: Verdict.UNKNOWN}
    matches = [[entry['match'] for entry in row[1:]] for row in rows]
    return [[Verdict.QUERY, *(kinds[m if m is None else bool(m)] for m in row)] for row in matches]


def legend_of(verdicts: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    """List the verdicts that a legend explains: without identities, neither match nor mismatch."""
    found = {verdict for row in verdicts for verdict in row}
    known = [Verdict.MATCH, Verdict.MISMATCH]
    unknown = [Verdict.UNKNOWN] * (Verdict.UNKNOWN in found)
    return [Verdict.QUERY, *(known if found & {*known} or not unknown else []), *unknown]


@dataclass(frozen=True)
class Grid:
    """Pixel geometry: `rows` queries, each followed by `columns` gallery images."""

    rows: int
    columns: int
    tile_width: int
    tile_height: int

    @staticmethod
    def tile_width_for(width: int, columns: int) -> int:
        """Choose the tile width that fills a picture of `width` pixels, from 64 to 128."""
        room = width - LEFT - 2 * MARGIN - QUERY_GAP - columns * COLUMN_GAP
        return min(max(room // (columns + 1), 64), 128)

    @classmethod
    def around(cls, images: Images, columns: int, tile_width: int) -> 'Grid':
        """Make a grid whose tiles have, inside their frames, the images' median aspect ratio."""
        aspects = [
            image.shape[0] / image.shape[1] for row in images for image in row if image is not None
        ]
        aspect = min(max(float(np.median(aspects or [1.0])), 0.4), 3.0)
        tile_height = round((tile_width - 2 * FRAME) * aspect) + 2 * FRAME
        return cls(len(images), columns, tile_width, tile_height)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        right, bottom = self.box(self.rows - 1, self.columns)[2:]
        bottom = max(bottom + CAPTION, bottom - self.tile_height + MIN_PITCH)
        return max(right + MARGIN, MIN_WIDTH), bottom + MARGIN

    def box(self, row: int, rank: int) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1) of a tile with its frame; rank 0 is the query."""
        x = MARGIN + LEFT + rank * (self.tile_width + COLUMN_GAP) + (QUERY_GAP if rank else 0)
        y = HEADER + row * max(self.tile_height + CAPTION + ROW_GAP, MIN_PITCH)
        return x, y, x + self.tile_width, y + self.tile_height


def load_image(path: Path, limit: int) -> np.ndarray | None:
    """Read an RGB image, its sides at most `limit` pixels; None if it cannot be read."""
    try:
        image = read_image(path)
    except (OSError, UnreadableImageError):
        return None
    return cv2.cvtColor(fit(image, limit, limit, enlarge=False), cv2.COLOR_BGR2RGB)


def fit(image: np.ndarray, width: int, height: int, enlarge: bool = True) -> np.ndarray:
    """Scale an image into a box, keeping its aspect ratio."""
    h, w = image.shape[:2]
    scale = min(width / w, height / h)
    if scale >= 1 and not enlarge:
        return image
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=method)


def paint(grid: Grid, images: Images, verdicts: Sequence[Sequence[Verdict]]) -> np.ndarray:
    """Paint all tiles, and those of the legend, on white."""
    canvas = np.full((*grid.size[::-1], 3), 255, np.uint8)
    for i, (row, judged) in enumerate(zip(images, verdicts)):
        for rank, (image, verdict) in enumerate(zip(row, judged)):
            x0, y0, x1, y1 = grid.box(i, rank)
            paint_tile(canvas[y0:y1, x0:x1], image, verdict)
    blank = np.full((12, 20, 3), 255, np.uint8)
    for x, verdict in zip(SWATCHES, legend_of(verdicts)):
        paint_tile(canvas[LEGEND_Y - 10 : LEGEND_Y + 10, x : x + 28], blank, verdict)
    return canvas


def paint_tile(tile: np.ndarray, image: np.ndarray | None, verdict: Verdict) -> None:
    """Fill a tile in place, its frame in the colour and line style of the verdict.

    The two lowest bits of each pixel are dropped: that is invisible, and a PNG shrinks by a third.
    """
    height, width = tile.shape[:2]
    inner = tile[FRAME : height - FRAME, FRAME : width - FRAME]
    inner[:] = PLACEHOLDER if image is None else MATTE
    if image is not None:
        image = fit(image, inner.shape[1], inner.shape[0])
        h, w = image.shape[:2]
        y, x = (inner.shape[0] - h) // 2, (inner.shape[1] - w) // 2
        inner[y : y + h, x : x + w] = image & 0xFC | 2
    border = np.ones((height, width), bool)
    border[FRAME : height - FRAME, FRAME : width - FRAME] = False
    colour, dashed, _ = verdict.value
    if dashed:
        border[:, FRAME:-FRAME] &= _dashes(width)[FRAME:-FRAME]
        border[FRAME:-FRAME] &= _dashes(height)[FRAME:-FRAME, None]
    tile[border] = colour


def _dashes(length: int) -> np.ndarray:
    """Mark the inked pixels of a side: an odd number of equal parts, so both corners are inked."""
    parts = length // DASH // 2 * 2 + 1
    return (2 * np.arange(length) + 1) * parts // (2 * length) % 2 == 0


def figure_to_array(figure: Figure) -> np.ndarray:
    """Render a figure to an RGB array, uint8, shape (H, W, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_png(image: np.ndarray, path: PathLike) -> Path:
    """Write an RGB array, uint8, shape (H, W, 3), to a PNG: whole or not at all."""
    path = Path(path)
    data = cv2.imencode('.png', image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 6])[1]
    with whole_file(path) as file:
        file.write(data.tobytes())
    return path
