"""Write the tables of the paper."""

import argparse
from pathlib import Path

from ..engine.config import suffix, title
from ..experiments import csv_text, evidence_page, markdown, read_outcome, read_paper
from ..printable import printable, tell
from ..scope import configs_dir


def run(args: argparse.Namespace) -> None:
    """Print the tables and write them as Markdown and CSV."""
    root = Path(args.root)
    folder = Path(args.output or root)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f'--output must be a folder, and {folder} is a file')
    rows = read_paper(
        [configs_dir() / name / 'metafile.yml' for name in ('peers', 'paper')], args.tables
    )
    if args.evidence is not None:
        path = Path(args.evidence or configs_dir() / 'paper' / 'evidence.yml')
        print(printable(evidence_page(rows, path), lines=True))
        return
    datasets = list(dict.fromkeys(map(title, args.dataset)))
    outcomes = {
        (dataset, row.place): read_outcome(root, dataset, args.budget, row.place, row.prefix)
        for dataset in datasets
        for row in rows
    }
    text = markdown(rows, outcomes, datasets, args.budget)
    print(printable(text, lines=True))
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f'tables{suffix(*datasets, args.budget)}'
    for ending, content in (('md', text), ('csv', csv_text(rows, outcomes, datasets, args.budget))):
        path = stem.with_name(f'{stem.name}.{ending}')
        path.write_text(content, encoding='utf-8')
        tell(f'written: {path}')
