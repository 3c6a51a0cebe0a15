"""Results of eval_speed.py as tables and as JSON."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import torch
from measure import Part
from stages import FIGURES, Options, Stage

from reid_fusedloss.printable import markdown_table

COLUMNS = ('stage', 'wall (min)', 'median', 'ratio', 'of what', 'GEMM share', 'extra memory')
DIFFERENCES = ('largest difference to ours', 'entries > 1e-5')
VARIABLES = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'OPENBLAS_CORETYPE')


@dataclass
class Row:
    """The results of a stage.

    Attributes:
        stage: that was timed.
        seconds: of each run.
        product_share: share of the fastest run spent in matrix products; None: unknown.
        parts: the package's functions inside the fastest run.
        extra_bytes: peak of resident memory above the inputs; None: not measured.
        figures: of its result.
        problem: the reason if there are no seconds.
    """

    stage: Stage
    seconds: list[float] = field(default_factory=list)
    product_share: float | None = None
    parts: list[Part] = field(default_factory=list)
    extra_bytes: int | None = None
    figures: dict[str, float] = field(default_factory=dict)
    problem: str = ''

    def as_dict(self, reference: 'Row | None') -> dict:
        """Convert for the JSON file; `ratio` is that of the fastest runs."""
        ratio = None
        if reference is not None and reference.seconds and self.seconds:
            ratio = min(self.seconds) / min(reference.seconds)
        return dict(
            name=self.stage.name,
            title=self.stage.title,
            seconds=self.seconds,
            min=min(self.seconds, default=None),
            median=median(self.seconds) if self.seconds else None,
            ratio=ratio,
            reference=self.stage.reference,
            gemm_share=self.product_share,
            extra_bytes=self.extra_bytes,
            figures=self.figures,
            problem=self.problem,
            parts=[vars(part) for part in self.parts],
        )


def machine(options: Options | None = None) -> dict[str, str]:
    """Describe what the seconds depend on; only ranking has a back end."""
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
    """Write all stages with their seconds, and the functions inside each."""
    lines: list[tuple[str, ...]] = [COLUMNS]
    for row in rows:
        if not row.seconds:
            lines.append((row.stage.title, '-', '-', '-', '-', '-', '-'))
            continue
        reference = reference_of(row, rows)
        entry = row.as_dict(reference)
        ratio = entry['ratio']
        memory = None if row.extra_bytes is None else f'+{row.extra_bytes / 2**20:,.0f} MiB'
        seconds = _seconds(entry['min']), _seconds(entry['median'])
        compared = ('-', '-')
        if ratio is not None and reference is not None:
            compared = f'{ratio:.2f}', reference.stage.title
        share = _percent(row.product_share)
        lines.append((row.stage.title, *seconds, *compared, share, memory or '-'))
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
    return markdown_table(lines)


def reference_of(row: Row, rows: Sequence[Row]) -> Row | None:
    return next((other for other in rows if other.stage.name == row.stage.reference), None)


def figures(rows: Sequence[Row]) -> str:
    """Write mAP, R1 and mINP in percent, and the difference between a peer's result and ours.

    Ties are positives at the same distance as a negative: the peers order them arbitrarily.
    """
    lines: list[tuple[str, ...]] = [('result of', 'mAP', 'R1', 'mINP', 'ties', *DIFFERENCES)]
    for row in rows:
        if row.figures:
            percent = [
                f'{row.figures[key]:.4f}' if key in row.figures else '-' for key in FIGURES[:3]
            ]
            ties = f'{row.figures["num_ties"]:.0f}' if 'num_ties' in row.figures else '-'
            lines.append((row.stage.title, *percent, ties, *difference_cells(row.figures)))
    return markdown_table(lines)


def difference_cells(found: dict[str, float]) -> tuple[str, str]:
    """Format the result of `stages.difference` as two cells."""
    if 'largest_difference' not in found:
        return '-', '-'
    return f'{found["largest_difference"]:.1e}', f'{100 * found["share_apart"]:.4f} %'


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
