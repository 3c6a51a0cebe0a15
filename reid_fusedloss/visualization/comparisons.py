"""Models side by side: distributions of their distances, CMC curves, open-set curves."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from .canvas import PathLike, figure_to_array, save_png
from .pair_distances import PairDistances
from .panels import GREY, MARKERS, PALETTE, add_legend, line_style, make_panels, style_panel

INTRA, INTER = PALETTE[:2]


def save_distances(
    models: Mapping[str, PairDistances],
    out_png: PathLike,
    *,
    distance: str = 'cosine',
    title: str = '',
) -> Path:
    """Draw the distances within and between identities, a panel for each model.

    Args:
        models: by name, from `pair_distances`.
        out_png: the picture; written whole or not at all.
        distance: name of the distance; panels of cosine distances share their scales.
        title: of the picture.

    Raises:
        ValueError: if there is no model.
    """
    _check_some(models, 'model')
    caption = (
        'All pairs of a query and a gallery image, without those of one identity in one camera. '
        'Overlap: the smallest sum of both error rates at any threshold. EER: equal error rate, '
        'at the dotted line.'
    )
    figure, panels = make_panels(
        len(models),
        title=title or 'distances within and between identities',
        caption=caption,
        shared=distance == 'cosine',
        extra=(0.6, 1.1),
    )
    top = max(map(_top, models.values()))
    for axes, (name, pairs) in zip(panels, models.items()):
        first = axes is panels[0]
        style_panel(
            axes,
            f'{name}\noverlap {pairs.overlap:.2f} %   EER {pairs.eer:.2f} %',
            f'{distance} distance',
            'density of pairs (1 / distance)' if first else '',
        )
        _draw_pairs(axes, pairs)
        axes.set_ylim(0, 1.28 * (top if distance == 'cosine' else _top(pairs)))
    return save_png(figure_to_array(figure), out_png)


def save_cmc(
    curves: Mapping[str, np.ndarray],
    out_png: PathLike,
    *,
    notes: Mapping[str, str] | None = None,
    title: str = '',
) -> Path:
    """Draw the cumulative matching characteristic (CMC) of several rankings in one panel.

    Args:
        curves: by name, the CMC in percent from rank 1 on, from `RankingResult.cmc`.
        out_png: the picture; written whole or not at all.
        notes: by name, text added to the legend, such as 'mAP 80.1'.
        title: of the picture.

    Raises:
        ValueError: if there is no curve or one is empty.
    """
    _check_some(curves, 'curve')
    figure, (axes,) = make_panels(
        1,
        title=title or 'cumulative matching characteristic',
        panel=(6.4, 4.2),
        extra=(0.0, 0.6 + 0.22 * len(curves)),
    )
    style_panel(axes, '', 'rank', 'queries with a match up to the rank (%)')
    for number, (name, curve) in enumerate(curves.items()):
        ranks = np.arange(1, len(curve) + 1)
        note = (notes or {}).get(name, '')
        label = f'{name}   R1 {curve[0]:.1f}   {note}'.rstrip()
        style = dict(line_style(number), marker=MARKERS[number % len(MARKERS)], markersize=4.5)
        axes.plot(ranks, curve, label=label, **style)
    longest = max(map(len, curves.values()))
    axes.set_xticks([1, *range(5, longest + 1, 5 * (1 + longest // 60))])
    low = min(curve[0] for curve in curves.values())
    axes.set_ylim(max(0.0, low - 0.12 * (100 - low) - 1), 100.5)
    add_legend(figure, loc='outside lower left', handlelength=3.0)
    return save_png(figure_to_array(figure), out_png)


def save_open_set(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    out_png: PathLike,
    *,
    notes: Mapping[str, str] | None = None,
    caption: str = '',
    title: str = '',
) -> Path:
    """Draw the detection and identification rate (DIR) over the false positive rate (FPIR).

    Args:
        curves: by name, FPIRs in 0..1 and the DIR at each in percent, from `DirAtFpir.curve`.
        out_png: the picture; written whole or not at all.
        notes: by name, text added to the legend, such as 'DIR 40.8 at FPIR 1 %'.
        caption: below the panel: which queries the rates are over.
        title: of the picture.

    Raises:
        ValueError: if there is no curve.
    """
    _check_some(curves, 'curve')
    figure, (axes,) = make_panels(
        1,
        title=title or 'open-set identification',
        caption=caption,
        panel=(6.4, 4.2),
        extra=(0.0, 0.9),
    )
    style_panel(
        axes, '', 'FPIR: strangers matched to somebody (%)', 'DIR: known people found at rank 1 (%)'
    )
    for number, (name, (rates, found)) in enumerate(curves.items()):
        label = f'{name}   {(notes or {}).get(name, "")}'.rstrip()
        axes.plot(100 * rates, found, label=label, **line_style(number))
    axes.set_xscale('log')
    axes.xaxis.set_major_formatter('{x:g}')
    axes.set_ylim(0, 100.5)
    add_legend(axes, loc='best', handlelength=3.0)
    return save_png(figure_to_array(figure), out_png)


def _top(pairs: PairDistances) -> float:
    return max(pairs.intra.max(), pairs.inter.max())


def _draw_pairs(axes: Axes, pairs: PairDistances) -> None:
    for density, count, mean, kind, color, line in (
        (pairs.intra, pairs.num_intra, pairs.intra_mean, 'same identity', INTRA, '-'),
        (pairs.inter, pairs.num_inter, pairs.inter_mean, 'other identity', INTER, '--'),
    ):
        label = f'{kind}: mean {mean:.3f}, {count:,} pairs'
        axes.stairs(density, pairs.edges, fill=True, color=color, alpha=0.25)
        axes.stairs(density, pairs.edges, color=color, linewidth=1.5, linestyle=line, label=label)
    axes.axvline(pairs.threshold, color=GREY, linewidth=1.2, linestyle=':')
    add_legend(axes, loc='upper left')


def _check_some(given: Mapping, what: str) -> None:
    if not given:
        raise ValueError(f'nothing to draw: there is no {what}')
    empty = [
        name for name, curve in given.items() if isinstance(curve, np.ndarray) and not len(curve)
    ]
    if empty:
        raise ValueError(f'nothing to draw: {empty} have no ranks')
