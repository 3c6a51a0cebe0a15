"""The paper beside the field: each step of its tables, elsewhere and here, and what follows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import hypot
from pathlib import Path
from typing import Any

from mmengine.fileio import load

from ..printable import markdown_table
from .paper import ORDER_DATASET, PaperRow
from .tables import TITLES

OWN = 'configs/paper/'  # not a method that the paper compares with
CONFIRMED, CONTRADICTED, OPEN = 'confirmed', 'contradicted', 'open'
COLUMNS = ('row', 'paper', 'gain', 'elsewhere', 'gain', 'measured here', 'gain', 'verdict')


@dataclass(frozen=True)
class Setting:
    """Rows measured here under one budget.

    Attributes:
        name: data set, network, image size, epochs, seeds and machine.
        command: what ran them.
        rows: R1, mAP and, over seeds, its deviation, by place of the row.
    """

    name: str
    command: str
    rows: Mapping[str, Mapping[str, float]]


NOT_RUN = Setting('not run', '', {})


def verdict(
    before: Mapping[str, float] | None, after: Mapping[str, float] | None, paper: float
) -> str:
    """Judge a step by its gain in mAP: confirmed, contradicted or open.

    Open: a row was not measured or has a single seed, or the gain is within one standard deviation
    of the difference of two runs, sqrt(s1^2 + s2^2).
    """
    if not (before and after and 'deviation' in before and 'deviation' in after):
        return OPEN
    gain = after['mAP'] - before['mAP']
    if abs(gain) <= hypot(before['deviation'], after['deviation']):
        return OPEN
    return CONFIRMED if (gain > 0) == (paper > 0) else CONTRADICTED


def evidence_page(rows: Sequence[PaperRow], path: Path) -> str:
    """Write the tables as Markdown, one for each table of the paper and setting measured here.

    Args:
        rows: of the paper, table by table.
        path: file of the evidence (YAML).

    Raises:
        ValueError: if the file names a row that the paper's tables do not have.
    """
    evidence = load(str(path))
    settings = [
        Setting(entry['Setting'], entry['Command'], entry['Rows']) for entry in evidence['Measured']
    ]
    places = {row.place for row in rows}
    named = {*evidence['Elsewhere'], *(place for setting in settings for place in setting.rows)}
    if named - places:
        raise ValueError(f'{path} names rows that are in no table: {sorted(named - places)}')
    parts = []
    for number, group in groupby(rows, lambda row: row.table):
        members = [row for row in group if row.paper(ORDER_DATASET, 'mAP') is not None]
        parts.append(f'## Table {number}: {TITLES[number]}')
        inside = {row.place for row in members}
        used = [setting for setting in settings if inside & {*setting.rows}]
        for setting in used or [NOT_RUN]:
            command = f'. Command: `{setting.command}`' if setting.command else ''
            parts.append(f'Measured here: {setting.name}{command}.')
            lines = [COLUMNS, *_lines(members, evidence['Elsewhere'], setting)]
            parts.append(markdown_table(lines, aligned=False))
    sources = evidence['Sources'].items()
    parts.append('## Sources')
    parts.append('\n'.join(f'- {name}: [{it["Title"]}]({it["URL"]})' for name, it in sources))
    return '\n\n'.join(parts) + '\n'


def _lines(
    rows: Sequence[PaperRow], elsewhere: Mapping[str, Any], setting: Setting
) -> Iterator[tuple[str, ...]]:
    before: PaperRow | None = None  # of the paper's own methods: others are no steps
    last_elsewhere: Mapping[str, Any] | None = None
    for row in rows:
        own, other = setting.rows.get(row.place), elsewhere.get(row.place)
        last = None if before is None else setting.rows.get(before.place)
        paper = row.paper(ORDER_DATASET, 'mAP')
        previous = None if before is None else before.paper(ORDER_DATASET, 'mAP')
        gain = None if paper is None or previous is None else paper - previous
        yield (
            row.label,
            f'{row.paper(ORDER_DATASET, "R1")} / {paper}',
            _gain(gain),
            '-' if other is None else '{} / {} ({})'.format(*other[ORDER_DATASET], other['source']),
            _gain(_step(last_elsewhere, other)),
            'not run' if own is None else _measured(own),
            _gain(own['mAP'] - last['mAP'] if own and last else None),
            '-' if gain is None else verdict(last, own, gain),
        )
        if row.config.startswith(OWN):
            before, last_elsewhere = row, other or last_elsewhere


def _step(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> float | None:
    """Gain in mAP of one source; between sources there is none."""
    if not (before and after) or before['source'] != after['source']:
        return None
    return after[ORDER_DATASET][1] - before[ORDER_DATASET][1]


def _measured(entry: Mapping[str, float]) -> str:
    spread = f' ± {entry["deviation"]:.2f}' if 'deviation' in entry else ''
    return f'{entry["R1"]:.2f} / {entry["mAP"]:.2f}{spread}'


def _gain(value: float | None) -> str:
    return '-' if value is None else f'{value:+.1f}'
