"""The paper's tables with our figures, as Markdown and as CSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from ..printable import markdown_table, spreadsheet_cell
from .order import compare_order, order_line
from .paper import METRICS, ORDER_DATASET, PAPER_DATASETS, PaperRow
from .results import Outcome

Outcomes = Mapping[tuple[str, str], Outcome]  # by data set and the row's place
TITLES = {
    2: 'what is added to the backbone',
    3: 'losses beside the identity loss',
    4: 'losses beside the circle loss',
    5: 'beside other methods, and re-ranked',
    6: 'size of the batch, K x P, re-ranked',
}
LEGEND = (
    'R1 and mAP in percent, of the last epoch; ± is the standard deviation over the n seeds '
    '(n - 1). A pair of rows is within one standard deviation if their means differ by no '
    'more than sqrt(s1^2 + s2^2). For a part of a data set the difference is left out.'
)
COLUMNS = (
    'table row config dataset budget part ranking metric ours deviation n seeds status '
    'paper_dataset paper difference'
).split()


def markdown(
    rows: Sequence[PaperRow], outcomes: Outcomes, datasets: Sequence[str], budget: str | None = None
) -> str:
    """Write the tables, each with the facts of its runs above and the order of its rows below.

    Args:
        rows: of the paper, table by table.
        outcomes: ours, for every data set and row.
        datasets: names of the data sets' configs, one group of columns each.
        budget: of all runs, for the header.
    """
    parts = [LEGEND]
    for number, group in groupby(rows, lambda row: row.table):
        members = list(group)
        parts.append(f'## Table {number}: {TITLES.get(number, "")}'.removesuffix(': '))
        parts += [
            describe([outcomes[dataset, row.place] for row in members], dataset, budget)
            for dataset in datasets
        ]
        parts.append(markdown_table(_grid(members, outcomes, datasets), aligned=False))
        for dataset in datasets:
            found = [outcomes[dataset, row.place] for row in members]
            name = f'{dataset}: ' if len(datasets) > 1 else ''
            parts.append(name + order_line(compare_order(members, found, dataset)))
    return '\n\n'.join(parts) + '\n'


def csv_text(
    rows: Sequence[PaperRow], outcomes: Outcomes, datasets: Sequence[str], budget: str | None = None
) -> str:
    """Write one line for each row, data set and metric; arguments as for `markdown`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    for row in rows:
        for dataset in datasets:
            for metric in METRICS:
                outcome = outcomes[dataset, row.place]
                record = dict(_record(row, outcome, dataset, metric), budget=budget or '')
                writer.writerow({name: spreadsheet_cell(cell) for name, cell in record.items()})
    return text.getvalue()


def describe(outcomes: Sequence[Outcome], dataset: str, budget: str | None) -> str:
    """Describe the runs of a table in one line, with several values where they differ."""
    facts = [result.facts for outcome in outcomes for result in outcome.results]

    def said(values: Sequence) -> str:
        return ' / '.join(str(value) for value in sorted(set(values)))

    parts = [f'Data set {dataset}', f'budget {budget}' if budget else "the configs' own budget"]
    if not facts:
        return f'{"; ".join(parts)}; not run.'
    seeds = sorted({fact.seed for fact in facts})
    parts += [
        f'{said([fact.epochs for fact in facts])} epochs',
        said([f.network for f in facts]),
        said([fact.size for fact in facts]),
        said([fact.precision for fact in facts]),
        *(sorted({fact.part for fact in facts} - {''})),
        f'seed{"s" if len(seeds) > 1 else ""} {" ".join(map(str, seeds))}',
    ]
    commands = [f'`{command}`' for command in dict.fromkeys(f.command for f in facts) if command]
    return f'{"; ".join(parts)}. Command: {", ".join(commands) or "not recorded"}.'


def _grid(rows: Sequence[PaperRow], outcomes: Outcomes, datasets: Sequence[str]) -> list[list[str]]:
    """Make the cells of a table, the head first."""
    names = ['row']
    for dataset in datasets:
        start = f'{dataset} ' if len(datasets) > 1 else ''
        for metric in METRICS:
            own = dataset in PAPER_DATASETS
            names += [f'{start}{metric}, ours', 'paper' if own else f'paper ({ORDER_DATASET})']
            names += ['difference'] * own
        names.append('n')
    lines = [names]
    for row in rows:
        found = [(dataset, outcomes[dataset, row.place]) for dataset in datasets]
        cells = [cell for dataset, outcome in found for cell in _cells(row, outcome, dataset)]
        lines.append([row.label, *cells])
    return lines


def _cells(row: PaperRow, outcome: Outcome, dataset: str) -> Iterator[str]:
    for metric in METRICS:
        yield outcome.text(metric)
        yield _paper(row, dataset, metric)
        if dataset in PAPER_DATASETS:
            difference = _difference(row, outcome, dataset, metric)
            yield '-' if difference is None else f'{difference:+.2f}'
    yield str(len(outcome.counted)) + (f' (without {outcome.left_out})' if outcome.left_out else '')


def _paper(row: PaperRow, dataset: str, metric: str) -> str:
    figure = row.paper(dataset, metric)
    return '-' if figure is None else f'{figure:.1f}'


def _difference(row: PaperRow, outcome: Outcome, dataset: str, metric: str) -> float | None:
    """Ours minus the paper's; None for an unfinished row, or without a figure in the paper."""
    paper = row.paper(dataset, metric) if dataset in PAPER_DATASETS else None
    if paper is None or not outcome.is_final or outcome.part:
        return None
    return outcome.mean(metric) - paper


def _record(row: PaperRow, outcome: Outcome, dataset: str, metric: str) -> dict[str, str]:
    deviation = outcome.deviation(metric) if outcome.counted else None
    difference = _difference(row, outcome, dataset, metric)
    return dict(
        table=str(row.table),
        row=row.label,
        config=row.config,
        dataset=dataset,
        part=outcome.part,
        ranking='re-ranked' if row.is_reranked else 'plain',
        metric=metric,
        ours=f'{outcome.mean(metric):.4f}' if outcome.counted else '',
        deviation='' if deviation is None else f'{deviation:.4f}',
        n=str(len(outcome.counted)),
        seeds=' '.join(str(result.facts.seed) for result in outcome.counted),
        status=outcome.status or 'finished',
        paper_dataset=PAPER_DATASETS.get(dataset, ORDER_DATASET),
        paper=_paper(row, dataset, metric),
        difference='' if difference is None else f'{difference:+.4f}',
    )
