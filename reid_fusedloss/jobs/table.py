"""Write the tables of the paper, or of other rows."""

import argparse
from pathlib import Path

from ..engine.config import suffix, title
from ..experiments import (
    PaperRow,
    csv_text,
    evidence_page,
    find_configs,
    ladder,
    markdown,
    read_outcome,
    read_paper,
)
from ..printable import printable, tell
from ..scope import configs_dir


def run(args: argparse.Namespace) -> None:
    """Print the tables and write them as Markdown and CSV."""
    folder = Path(args.output or args.root)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f'--output must be a folder, and {folder} is a file')
    if args.evidence is not None:
        if args.rows:
            raise ValueError("--rows with --evidence: that page is of the paper's tables; omit one")
        path = Path(args.evidence or configs_dir() / 'paper' / 'evidence.yml')
        print(printable(evidence_page(_paper(args.tables), path), lines=True))
        return
    datasets = list(dict.fromkeys(map(title, args.dataset)))
    stem = f'{"rows" if args.rows else "tables"}{suffix(*datasets, args.budget)}'
    if args.rows:
        texts = dict(md=ladder(find_configs(args.rows), Path(args.root), datasets, args.budget))
    else:
        texts = _tables(args, datasets)
    print(printable(texts['md'], lines=True))
    folder.mkdir(parents=True, exist_ok=True)
    for ending, content in texts.items():
        path = folder / f'{stem}.{ending}'
        path.write_text(content, encoding='utf-8')
        tell(f'written: {path}')


def _paper(tables: list[int] | None) -> list[PaperRow]:
    return read_paper(
        [configs_dir() / name / 'metafile.yml' for name in ('peers', 'paper')], tables
    )


def _tables(args: argparse.Namespace, datasets: list[str]) -> dict[str, str]:
    """Write the paper's tables, by the ending of the file."""
    root, rows = Path(args.root), _paper(args.tables)
    outcomes = {
        (dataset, row.place): read_outcome(root, dataset, args.budget, row.place, row.prefix)
        for dataset in datasets
        for row in rows
    }
    return dict(
        md=markdown(rows, outcomes, datasets, args.budget),
        csv=csv_text(rows, outcomes, datasets, args.budget),
    )
