"""Training curves of several runs in one picture."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator

from .canvas import PathLike, figure_to_array, save_png
from .curves import draw_ring, log_scale, points_of, running_mean, steps_per_epoch, write_note
from .panels import MARKERS, add_legend, line_style, make_panels, style_panel
from .scalars import load_scalars

METRICS = ('mAP', 'R1')


def save_run_curves(runs: Mapping[str, PathLike], out_png: PathLike, *, title: str = '') -> Path:
    """Draw loss, mAP and R1 of several runs, one panel each, one colour and line style per run.

    The loss is the smoothed total. The metrics are those without re-ranking.

    Args:
        runs: by name, a work_dir or a scalars.json, see `load_scalars`.
        out_png: the picture; written whole or not at all.
        title: of the picture.

    Raises:
        FileNotFoundError, ValueError: see `load_scalars`; if there is no run.
    """
    if not runs:
        raise ValueError('nothing to draw: there is no run')
    scalars = {name: load_scalars(path) for name, path in runs.items()}
    caption = (
        'Loss: running mean of the weighted total, comparable only between runs with the same '
        'terms and weights. mAP and R1 without re-ranking; ring: best.'
    )
    figure, panels = make_panels(
        1 + len(METRICS),
        title=title or f'{len(runs)} runs',
        caption=caption,
        panel=(4.0, 4.0),
        extra=(1.6, 0.9),
    )
    by_epoch = all('epoch' in run['train'][0] for run in scalars.values() if run['train'])
    unit = 'epoch' if by_epoch else 'step'
    losses = _draw(panels[0], scalars, _draw_loss, 'no training line yet')
    style_panel(panels[0], 'training loss', unit, 'total loss (weighted sum of its terms)')
    log_scale(panels[0], losses, 1.0)
    if panels[0].get_yscale() == 'log':
        panels[0].yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        panels[0].yaxis.set_major_formatter('{x:g}')
        panels[0].yaxis.set_minor_formatter('{x:g}')
    for axes, metric in zip(panels[1:], METRICS):
        _draw(axes, scalars, partial(_draw_metric, metric=metric), 'no evaluation yet')
        style_panel(axes, f'{metric} of the evaluations', unit, f'{metric} (%)')
    handles, labels = panels[0].get_legend_handles_labels()
    samples = dict(handles=handles, labels=labels)
    add_legend(figure, **samples, loc='outside right upper', handlelength=3.2)
    return save_png(figure_to_array(figure), out_png)


def _draw(
    axes: Axes, scalars: Mapping[str, dict], draw: Callable[..., np.ndarray], missing: str
) -> list[np.ndarray]:
    """Draw all runs into a panel and return the drawn values."""
    values = []
    for number, (name, run) in enumerate(scalars.items()):
        style = dict(line_style(number), linewidth=1.7, label=name)
        values.append(draw(axes, run, number, style))
    if not any(len(value) for value in values):
        write_note(axes, missing)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return values


def _draw_loss(axes: Axes, run: dict, number: int, style: dict[str, Any]) -> np.ndarray:
    x, y = points_of(run['train'], 'loss', steps_per_epoch(run['train']))
    axes.plot(x, running_mean(y) if len(y) else y, marker='o' if len(x) == 1 else '', **style)
    return y


def _draw_metric(
    axes: Axes, run: dict, number: int, style: dict[str, Any], metric: str
) -> np.ndarray:
    keys = (key for record in run['val'] for key in record if 'rerank' not in key)
    key = next((key for key in keys if key.rpartition('/')[2] == metric), '')
    x, y = points_of(run['val'], key)
    axes.plot(x, y, marker=MARKERS[number % len(MARKERS)], markersize=4, **style)
    if np.isfinite(y).any():
        ring = dict(markeredgecolor=style['color'], markeredgewidth=1.4, markersize=10)
        draw_ring(axes, x, y, color='none', **ring)
    return y
