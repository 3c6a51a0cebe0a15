"""The benchmark's results: as a table for people, as JSON for programs."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Optional

import numpy as np
import torch
from measure import Part
from stages import FIGURES, Options, Stage

COLUMNS = ('stage', 'wall (min)', 'median', 'ratio', 'of what', 'GEMM share', 'extra memory')
DIFFERENCES = ('largest difference to ours', 'entries > 1e-5')
VARIABLES = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'OPENBLAS_CORETYPE')


@dataclass
class Row:
    """What became of a stage.

    Attributes:
        stage: what was timed.
        seconds: of each run.
        product_share: part of the fastest run spent in matrix products, None: not known.
        parts: the package's functions inside the fastest run.
        extra_bytes: peak of resident memory above the inputs, None: not measured.
        figures: of its result.
        problem: why there are no seconds.
    """

    stage: Stage
    seconds: list[float] = field(default_factory=list)
    product_share: float | None = None
    parts: list[Part] = field(default_factory=list)
    extra_bytes: int | None = None
    figures: dict[str, float] = field(default_factory=dict)
    problem: str = ''

    def as_dict(self, reference: Optional['Row']) -> dict:
        """For the JSON file; `ratio` is that of the fastest runs."""
        comparable = reference and reference.seconds and self.seconds
        return dict(
            name=self.stage.name,
            title=self.stage.title,
            seconds=self.seconds,
            min=min(self.seconds, default=None),
            median=median(self.seconds) if self.seconds else None,
            ratio=min(self.seconds) / min(reference.seconds) if comparable else None,
            reference=self.stage.reference,
            gemm_share=self.product_share,
            extra_bytes=self.extra_bytes,
            figures=self.figures,
            problem=self.problem,
            parts=[vars(part) for part in self.parts],
        )


def machine(options: Options | None = None) -> dict[str, str]:
    """What the seconds depend on; the back end is that of ranking, of which training has none."""
    blas = np.show_config(mode='dicts')['Build Dependencies']['blas']
    set_variables = [f'{key}={os.environ[key]}' for key in VARIABLES if key in os.environ]
    head = {
        'CPU': f'{_cpu_model()}, {os.cpu_count()} cores',
        'threads': ', '.join([f'torch {torch.get_num_threads()}', *set_variables]),
        'versions': f'Python {platform.python_version()}, torch {torch.__version__}, '
        f'numpy {np.__version__} ({blas["name"]} {blas["version"]})',
    }
    if options is not None:
        head['back end'] = f'{options.backend}, chunk_size {options.chunk_size}'
    return head


def table(rows: Sequence[Row]) -> str:
    """All stages with seconds, and the functions inside each."""
    by_name = {row.stage.name: row for row in rows}
    lines = [COLUMNS]
    for row in rows:
        if not row.seconds:
            lines.append((row.stage.title, '-', '-', '-', '-', '-', '-'))
            continue
        reference = by_name.get(row.stage.reference)
        entry = row.as_dict(reference)
        ratio = entry['ratio'] and f'{entry["ratio"]:.2f}'
        memory = None if row.extra_bytes is None else f'+{row.extra_bytes / 2**20:,.0f} MiB'
        lines.append(
            (
                row.stage.title,
                _seconds(entry['min']),
                _seconds(entry['median']),
                ratio or '-',
                reference.stage.title if ratio else '-',
                _percent(row.product_share),
                memory or '-',
            )
        )
        lines += [
            (
                f'{"  " * part.depth}  - {part.name}',
                _seconds(part.seconds),
                '-',
                f'{part.seconds / entry["min"]:.2f}',
                row.stage.title,
                _percent(part.product / part.seconds if part.product else None),
                '-',
            )
            for part in row.parts
        ]
    return aligned(lines)


def figures(rows: Sequence[Row]) -> str:
    """mAP, R1 and mINP in percent, and how far a peer's result is from ours.

    Ties are positives at the distance of a negative: their order is left to chance by the peers.
    """
    lines = [('result of', 'mAP', 'R1', 'mINP', 'ties', *DIFFERENCES)]
    for row in rows:
        if row.figures:
            percent = [
                f'{row.figures[key]:.4f}' if key in row.figures else '-' for key in FIGURES[:3]
            ]
            ties = f'{row.figures["num_ties"]:.0f}' if 'num_ties' in row.figures else '-'
            lines.append((row.stage.title, *percent, ties, *difference_cells(row.figures)))
    return aligned(lines)


def difference_cells(found: dict[str, float]) -> tuple[str, str]:
    """Two cells of a table, from what `stages.difference` found."""
    if 'largest_difference' not in found:
        return '-', '-'
    return f'{found["largest_difference"]:.1e}', f'{100 * found["share_apart"]:.4f} %'


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first line its head."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = [
        '| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths)) + ' |'
        for line in lines
    ]
    text.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(text)


def _cpu_model() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()


def _seconds(value: float) -> str:
    return f'{value:.3f} s' if value < 10 else f'{value:.1f} s'


def _percent(value: float | None) -> str:
    return '-' if value is None else f'{100 * value:.0f} %'
