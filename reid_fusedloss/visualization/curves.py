"""Training curves: losses, learning rate and metrics, from the scalars that MMEngine writes."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .canvas import PathLike, figure_to_array, save_png
from .panels import TEXT, style_panel
from .scalars import load_scalars

Curve = tuple[np.ndarray, np.ndarray]

METRICS = {'R1': '#D55E00', 'mAP': '#0072B2', 'mINP': '#009E73'}
TERM_COLORS = ('#E69F00', '#56B4E9', '#CC79A7', '#009E73', '#0072B2', '#D55E00')


def save_curves(path: PathLike, out_png: PathLike) -> Path:
    """Draw losses, learning rate and metrics over the epochs into a PNG.

    Losses are weighted, as trained on: the raw line faint under its running mean, on a log scale
    if they span more than two decades. Re-ranked metrics are dashed, in the colour of the plain
    ones; of several data sets the mAP of each is dotted, beside the means over them. A run without
    epochs is drawn over its steps.

    Args:
        path: a work_dir or a scalars.json, see `load_scalars`.
        out_png: the picture; written whole or not at all.

    Raises:
        FileNotFoundError, ValueError: see `load_scalars`.
    """
    scalars = load_scalars(path)
    train, val = scalars['train'], scalars['val']
    figure = Figure((12, 5.6), dpi=100, facecolor='white')
    columns = figure.add_gridspec(
        1, 2, left=0.055, right=0.885, bottom=0.095, top=0.84, wspace=0.16, width_ratios=(1.08, 1)
    )
    rows = columns[0].subgridspec(2, 1, height_ratios=(2.3, 1), hspace=0.2)
    loss_axes = figure.add_subplot(rows[0])
    lr_axes = figure.add_subplot(rows[1], sharex=loss_axes)
    val_axes = figure.add_subplot(columns[1])
    per_epoch = steps_per_epoch(train)
    unit = 'epoch' if not train or 'epoch' in train[0] else 'step'
    _draw_losses(loss_axes, train, per_epoch)
    _draw_lr(lr_axes, train, per_epoch, unit)
    by_epoch = not train or not val or val[-1]['step'] <= train[-1].get('epoch', 0)
    _draw_metrics(val_axes, val, unit if by_epoch else 'step')
    source = Path(path).resolve()
    run = source.parents[1] if source.parent.name == 'vis_data' else source
    figure.suptitle(run.name, x=0.055, y=0.985, ha='left', fontsize=12, weight='bold', **TEXT)
    return save_png(figure_to_array(figure), out_png)


def steps_per_epoch(train: list[dict]) -> float:
    """Steps of an epoch, from the distance of the epochs' first log lines; 1 without epochs."""
    firsts: dict[int, int] = {}
    for record in train:
        if 'epoch' in record:
            firsts.setdefault(record['epoch'], record['step'])
    if not firsts:
        return 1.0
    first, last = min(firsts), max(firsts)
    if first == last:
        return max(r['step'] for r in train) / last
    return (firsts[last] - firsts[first]) / (last - first)


def points_of(records: list[dict], key: str, per_x: float = 1.0) -> Curve:
    """The numbers of a key and where they are drawn: at step / per_x."""
    points = [(r['step'] / per_x, r[key]) for r in records if isinstance(r.get(key), (int, float))]
    x, y = np.array(points, float).reshape(-1, 2).T
    return x, y


def running_mean(y: np.ndarray) -> np.ndarray:
    """Centred running mean over a fiftieth of the points, without non-finite values."""
    kernel = np.ones(max(1, len(y) // 50) // 2 * 2 + 1)
    finite = np.isfinite(y)
    total = np.convolve(np.where(finite, y, 0.0), kernel, 'same')
    count = np.convolve(finite.astype(float), kernel, 'same')
    return np.where(finite, total / np.maximum(count, 1.0), np.nan)


def log_scale(axes: Axes, values: list[np.ndarray], decades: float) -> None:
    """Make the y axis logarithmic if the positive values span more than `decades`."""
    y = np.concatenate([np.ravel(v) for v in values]) if values else np.empty(0)
    y = y[np.isfinite(y) & (y > 0)]
    if len(y) and np.log10(y.max() / y.min()) > decades:
        axes.set_yscale('log', nonpositive='clip')
        axes.set_ylim(max(y.min() / 1.5, y.max() * 1e-7), y.max() * 1.5)


def write_note(axes: Axes, text: str) -> None:
    """Say in an empty panel why it is empty."""
    axes.set(xticks=[], yticks=[])
    style = dict(ha='center', va='center', fontsize=11, color='#777777', **TEXT)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, **style)


def draw_ring(axes: Axes, x: np.ndarray, y: np.ndarray, **style: Any) -> int:
    """Ring the highest point of a curve and return its number."""
    best = int(np.nanargmax(y))
    axes.plot(x[best], y[best], 'o', **style)
    return best


def _draw_losses(axes: Axes, train: list[dict], per_epoch: float) -> None:
    style_panel(axes, 'training loss and its weighted terms', pad=22.0)
    axes.tick_params(labelbottom=False)
    keys = list(dict.fromkeys(k for r in train for k in r if 'loss' in k and k != 'loss'))
    colors = {'loss': '#222222'}
    if len(keys) > 1 or not any('loss' in r for r in train):
        colors.update({k: TERM_COLORS[i % len(TERM_COLORS)] for i, k in enumerate(keys)})
    curves = {key: points_of(train, key, per_epoch) for key in colors}
    curves = {key: curve for key, curve in curves.items() if len(curve[0])}
    if not curves:
        return write_note(axes, 'no training line yet')
    for key, (x, y) in curves.items():
        name = 'total' if key == 'loss' else key.replace('loss_', '')
        label = f'{name}  {y[-1]:.4g}' if len(curves) <= 4 else name
        axes.plot(x, y, color=colors[key], linewidth=0.7, alpha=0.35)
        width, marker = 2.0 if key == 'loss' else 1.5, 'o' if len(x) == 1 else ''
        style: dict[str, Any] = dict(color=colors[key], linewidth=width, marker=marker)
        axes.plot(x, running_mean(y), label=label, **style)
    log_scale(axes, [y for _, y in curves.values()], 2.0)
    tight = dict(handlelength=1.4, columnspacing=1.4, borderpad=0.2, frameon=False)
    axes.legend(loc='lower left', bbox_to_anchor=(-0.01, 0.985), ncols=7, fontsize=8, **tight)


def _draw_lr(axes: Axes, train: list[dict], per_epoch: float, unit: str) -> None:
    style_panel(axes, 'learning rate', unit)
    x, y = points_of(train, 'lr', per_epoch)
    if not len(x):
        return write_note(axes, 'no learning rate yet')
    marker = 'o' if len(x) == 1 else ''
    axes.plot(x, y, color='#222222', linewidth=1.5, drawstyle='steps-pre', marker=marker)
    axes.set_ylim(0, 1.15 * y.max() or 1.0)
    axes.yaxis.set_major_formatter('{x:.2g}')
    log_scale(axes, [y], 1.2)


def _draw_metrics(axes: Axes, val: list[dict], unit: str) -> None:
    style_panel(axes, 'evaluation in %   (dashed: re-ranked, ring: best)', unit, pad=22.0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    keys = sorted({k for r in val for k in r if k.rpartition('/')[2] in METRICS})
    keys = [k for k in keys if k.count('/') < 2 or k.endswith('/mAP')]  # of several data sets
    labels = []
    for key in keys:
        prefix, _, name = key.rpartition('/')
        x, y = points_of(val, key)
        if not np.isfinite(y).any():
            continue
        dash = '--' if 'rerank' in prefix else ':' if '/' in prefix else '-'
        color = METRICS[name]
        axes.plot(x, y, dash, color=color, linewidth=1.7, marker='o', markersize=3)
        ring = dict(markeredgecolor=color, markeredgewidth=1.5, markersize=7, zorder=3)
        best = draw_ring(axes, x, y, color='white', **ring)
        text = f'{key} {y[-1]:.1f}\nbest {y[best]:.1f} @ {x[best]:g}'
        labels.append((y[np.isfinite(y)][-1], color, text))
    if not labels:
        return write_note(axes, 'no evaluation yet')
    _label_ends(axes, labels)


def _label_ends(axes: Axes, labels: list[tuple[float, str, str]]) -> None:
    """Write a two-line label beside the end of each curve, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    gap = 0.072
    labels = sorted(labels)
    places: list[float] = []
    for value, _, _ in labels:
        place = (value - low) / (high - low)
        places.append(max(place, places[-1] + gap) if places else max(place, gap / 2))
    ceiling = 1.0 - gap / 2
    for i in reversed(range(len(places))):
        places[i] = min(places[i], ceiling)
        ceiling = places[i] - gap
    for place, (_, color, text) in zip(places, labels):
        style = dict(va='center', fontsize=8, color=color, linespacing=1.1, **TEXT)
        axes.text(1.02, place, text, transform=axes.transAxes, **style)
