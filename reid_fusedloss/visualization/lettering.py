"""Text over a picture."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from ..printable import printable
from .canvas import figure_to_array
from .panels import TEXT


class Lettering:
    """A picture with lines of text over it, placed in pixels from the top left corner.

    Args:
        picture: RGB, uint8, shape (H, W, 3).

    Attributes:
        height: of the picture.
        width: of the picture.
        figure: holds the picture; axes that are added to it cover the picture.
    """

    def __init__(self, picture: np.ndarray) -> None:
        self.height, self.width = picture.shape[:2]
        self.figure = Figure((self.width / 100, self.height / 100), dpi=100)
        self.figure.figimage(picture, origin='upper', zorder=-1)

    def put(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 7.5,
        color: str = '#333333',
        *,
        limit: float = math.inf,
        keep_end: bool = False,
        **style: Any,
    ) -> Text:
        """Write a line centred vertically at y, cut with '…' where it is too long.

        Args:
            x: left end of the line, or what `ha` in `style` says.
            y: its middle.
            text: any; control characters are escaped.
            size: of the font, in points.
            color: of the text.
            limit: width in pixels.
            keep_end: cut the beginning, not the end.
            style: further properties of a matplotlib text.

        Returns:
            What was drawn.
        """
        text = printable(text)
        style |= dict(TEXT, fontsize=size, color=color, va='center')
        drawn = self.figure.text(x / self.width, 1 - y / self.height, text, **style)
        while len(text) > 1 and drawn.get_window_extent().width > limit:
            text = text[1:] if keep_end else text[:-1]
            drawn.set_text(f'…{text}' if keep_end else f'{text}…')
        return drawn

    def to_array(self) -> np.ndarray:
        """Render the picture with its text: RGB, uint8, shape (H, W, 3)."""
        return figure_to_array(self.figure)
