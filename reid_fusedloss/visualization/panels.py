"""Panels of a figure: their layout, colours, lines and fonts, the same in all pictures."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from .canvas import PathLike

# Okabe & Ito's colours, safe for colour-blind readers; line style and marker repeat the distinction
PALETTE = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#222222')
LINES = ('-', '--', '-.', ':', (0, (6, 1.5)))
MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '*', '<', '>')
TEXT: dict[str, Any] = {'family': 'DejaVu Sans', 'parse_math': False}
GREY = '#666666'


def make_panels(
    count: int,
    *,
    title: str,
    caption: str = '',
    panel: tuple[float, float] = (5.0, 4.0),
    extra: tuple[float, float] = (0.0, 0.9),
    shared: bool = False,
) -> tuple[Figure, list]:
    """Make a figure with panels side by side, a title above and a caption below them.

    Args:
        count: number of panels.
        title: of the figure, left.
        caption: below the panels, broken into lines.
        panel: width and height of a panel, in hundreds of pixels.
        extra: width and height around the panels, for a legend, title and caption.
        shared: whether all panels share their axes' scales.
    """
    size = (count * panel[0] + extra[0], panel[1] + extra[1])
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08, wspace=0.03)
    figure = Figure(size, dpi=100, facecolor='white', layout=layout)
    panels = figure.subplots(1, count, squeeze=False, sharex=shared, sharey=shared)[0]
    figure.suptitle(title, x=0.012, ha='left', fontsize=12, weight='bold', **TEXT)
    if caption:
        lines = textwrap.wrap(caption, max(40, int(size[0] * 15)))
        figure.supxlabel('\n'.join(lines), x=0.012, ha='left', fontsize=8, color=GREY, **TEXT)
    return figure, list(panels)


def style_panel(
    axes: Axes, title: str = '', x: str = '', y: str = '', pad: float | None = None
) -> None:
    """Give a panel its title, `pad` points above it, its axis labels and a light grid."""
    lines = [part for line in title.splitlines() for part in textwrap.wrap(line, 56)]
    axes.set_title('\n'.join(lines), loc='left', fontsize=10, pad=pad, **TEXT)
    axes.set_xlabel(x, fontsize=9, **TEXT)
    axes.set_ylabel(y, fontsize=9, **TEXT)
    axes.grid(color='#E4E4E4', linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
    axes.tick_params(which='both', labelsize=8)


def line_style(number: int) -> dict[str, Any]:
    """Colour, line style and width of the line with this number."""
    return dict(
        color=PALETTE[number % len(PALETTE)], linestyle=LINES[number % len(LINES)], linewidth=1.6
    )


def add_legend(owner: Axes | Figure, **place: Any) -> None:
    """Add the legend of a panel, or of a figure outside its panels; no text is parsed as math."""
    legend = owner.legend(fontsize=8.5, framealpha=0.85, edgecolor='none', **place)
    for text in legend.get_texts():
        text.set_parse_math(False)


def distinct_names(paths: Sequence[PathLike]) -> list[str]:
    """Find the shortest ends of the paths, without file suffix, that are all different.

    Raises:
        ValueError: if a path is given twice.
    """
    resolved = [Path(path).resolve() for path in paths]
    twice = {str(path) for path in resolved if resolved.count(path) > 1}
    if twice:
        raise ValueError(f'given twice: {sorted(twice)}; give each path once')
    parts = [
        path.with_suffix('').parts if path.suffix in ('.npz', '.pth', '.json') else path.parts
        for path in resolved
    ]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ['/'.join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in resolved]
