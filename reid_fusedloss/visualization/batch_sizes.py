"""R1 and mAP over the batch size: ours beside Zhang & Ding 2021, figure 2 and table 6."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from mmengine.fileio import load

from .canvas import PathLike, figure_to_array, save_png
from .panels import MARKERS, PALETTE, add_legend, make_panels, style_panel

METRICS = ('R1', 'mAP')
PREFIX = 'rerank'  # the paper's values are re-ranked
TABLE = 'table6'
FOLDERS = {'Market-1501': 'market1501', 'DukeMTMC-reID': 'dukemtmc'}  # of the paper's data sets
COLORS = dict(R1=PALETTE[1], mAP=PALETTE[0])


@dataclass(frozen=True)
class BatchSizePanel:
    """Scores of one data set over the batch sizes, in percent.

    Attributes:
        title: the data set, and the budget if there is one.
        paper: by metric, a value for each batch size; None where the paper has none.
        ours: by metric, the values of all seeds for each batch size; empty where not run.
    """

    title: str
    paper: dict[str, list[float | None]]
    ours: dict[str, list[list[float]]]


def read_scores(row_dir: PathLike) -> list[dict[str, float]]:
    """Read the final scores of a config's runs, one for each seed that was tested.

    Args:
        row_dir: holds `seed<k>/test_last/scores.json`, as `reid-fusedloss ablate` writes it, or
            `seed<k>/test/scores.json`, or `seed<k>/scores.json`.

    Raises:
        ValueError: if a file is not valid JSON.
    """
    scores = []
    for seed in sorted(Path(row_dir).glob('seed*')):
        places = (seed / place / 'scores.json' for place in ('test_last', 'test', ''))
        path = next((path for path in places if path.is_file()), None)
        if path is None:
            continue
        try:
            scores.append(json.loads(path.read_text(encoding='utf-8')))
        except ValueError as error:
            raise ValueError(f'{path} is not valid JSON: {error}') from None
    return scores


def read_panels(root: PathLike, metafile: PathLike) -> tuple[list[str], list[BatchSizePanel]]:
    """Collect the paper's values and the scores of all runs below a folder.

    Args:
        root: holds `<dataset>[_<budget>]/table6/<row>/seed<k>`, see `read_scores`.
        metafile: the configs' metafile with the paper's values.

    Returns:
        The batch sizes, such as '4x6', and a panel for each data set and budget that was run;
        a data set of the paper that was not run has the paper's values only.

    Raises:
        FileNotFoundError: if the folder or the metafile does not exist.
        ValueError: if the metafile has no row of the table.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(
            f'no folder {root}: give the one that holds <dataset>/{TABLE}/<row>/seed<k>'
        )
    rows, paper = _read_paper(Path(metafile))
    folders = sorted(path.parent for path in root.glob(f'*/{TABLE}') if path.is_dir())
    panels = []
    for dataset, values in paper.items():
        name = FOLDERS.get(dataset, dataset)
        own = [folder for folder in folders if f'{folder.name}_'.startswith(f'{name}_')]
        folders = [folder for folder in folders if folder not in own]
        panels += [
            _panel(folder, dataset, folder.name[len(name) + 1 :], rows, values)
            for folder in own or [root / name]
        ]
    nothing = {metric: [None] * len(rows) for metric in METRICS}
    panels += [_panel(folder, folder.name, '', rows, nothing) for folder in folders]
    return list(rows.values()), panels


def save_batch_sizes(
    batch_sizes: Sequence[str],
    panels: Sequence[BatchSizePanel],
    out_png: PathLike,
    *,
    title: str = '',
) -> Path:
    """Draw R1 and mAP over the batch sizes, a panel for each data set.

    Args:
        batch_sizes: names of the points.
        panels: from `read_panels`; a point is the mean of the seeds, a bar spans their values.
        out_png: the picture; written whole or not at all.
        title: of the picture.

    Raises:
        ValueError: if there is no panel.
    """
    if not panels:
        raise ValueError('nothing to draw: there is no panel')
    figure, axes = make_panels(
        len(panels),
        title=title or 'batch size and accuracy, re-ranked',
        caption=_caption(batch_sizes, panels),
        panel=(5.2, 4.0),
        extra=(0.0, 1.3),
    )
    for panel, place in zip(panels, axes):
        style_panel(
            place,
            panel.title,
            'batch: K images of each x P identities',
            'R1 and mAP after re-ranking (%)' if place is axes[0] else '',
        )
        place.set_xticks(range(len(batch_sizes)), batch_sizes)
        place.set_xlim(-0.4, len(batch_sizes) - 0.6)
        for metric, marker in zip(METRICS, MARKERS):
            _draw(place, panel, metric, marker)
    handles = {
        label: handle for place in axes for handle, label in zip(*place.get_legend_handles_labels())
    }
    samples = dict(handles=list(handles.values()), labels=list(handles), ncols=len(handles))
    add_legend(figure, **samples, loc='outside upper right', handlelength=3.0)
    return save_png(figure_to_array(figure), out_png)


def _read_paper(metafile: Path) -> tuple[dict[str, str], dict[str, dict]]:
    """Read the batch sizes by row, and the paper's values by data set and metric."""
    if not metafile.is_file():
        raise FileNotFoundError(f'no metafile at {metafile}: check the path')
    models = (load(str(metafile)) or {}).get('Models', [])
    models = [
        model
        for model in models
        if f'/{TABLE}/' in model['Config'] and re.fullmatch(r'\d+x\d+', model['Metadata']['Row'])
    ]
    if not models:
        raise ValueError(f'{metafile} has no row of {TABLE} that is named after its batch size')
    paper: dict[str, dict] = {}
    for number, model in enumerate(models):
        for result in model['Results']:
            values = paper.setdefault(
                result['Dataset'], {metric: [None] * len(models) for metric in METRICS}
            )
            for metric in METRICS:
                values[metric][number] = result['Metrics'].get(f'Paper re-ranked {metric}')
    return {model['Name']: model['Metadata']['Row'] for model in models}, paper


def _panel(
    folder: Path, dataset: str, budget: str, rows: dict[str, str], paper: dict[str, list]
) -> BatchSizePanel:
    scores = [read_scores(folder / TABLE / row) for row in rows]
    ours = {
        metric: [
            [seed[f'{PREFIX}/{metric}'] for seed in row if f'{PREFIX}/{metric}' in seed]
            for row in scores
        ]
        for metric in METRICS
    }
    title = f'{dataset}, ours with budget {budget}' if budget else dataset
    return BatchSizePanel(title, paper, ours)


def _draw(axes: Axes, panel: BatchSizePanel, metric: str, marker: str) -> None:
    color = COLORS[metric]
    style: dict[str, Any] = dict(color=color, marker=marker, markersize=5.5, linewidth=1.6)
    paper = np.array(panel.paper[metric], float)
    if np.isfinite(paper).any():
        axes.plot(paper, linestyle='--', markerfacecolor='white', label=f'{metric}, paper', **style)
    values = panel.ours[metric]
    if any(values):
        mean = np.array([np.mean(seeds) if seeds else np.nan for seeds in values])
        low = np.array([min(seeds, default=np.nan) for seeds in values])
        high = np.array([max(seeds, default=np.nan) for seeds in values])
        bars = np.nan_to_num([mean - low, high - mean])
        axes.errorbar(range(len(values)), mean, bars, capsize=3, label=f'{metric}, ours', **style)


def _caption(batch_sizes: Sequence[str], panels: Sequence[BatchSizePanel]) -> str:
    """Say which batch sizes were run, with how many seeds, and which were not."""
    parts = []
    for panel in panels:
        seeds = [len(values) for values in panel.ours[METRICS[0]]]
        missing = [size for size, count in zip(batch_sizes, seeds) if not count]
        counts = sorted(set(filter(None, seeds)))
        runs = f'seeds: {" or ".join(map(str, counts))}' if counts else ''
        absent = 'not run' if len(missing) == len(batch_sizes) else f'not run: {", ".join(missing)}'
        said = '; '.join(filter(None, [runs, absent if missing else '']))
        parts.append(f'{panel.title}: {said}')
    return 'Ours: mean of the seeds, bar from the lowest to the highest. ' + '.  '.join(parts) + '.'
