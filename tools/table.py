#!/usr/bin/env python
"""The paper's tables, ours beside theirs, from the work_dirs of tools/ablate.py.

    python tools/table.py --dataset market1501 --budget cpu_market --tables 2 3
"""
import argparse
from pathlib import Path

from reid_fusedloss.engine.arguments import suffix
from reid_fusedloss.experiments import csv_text, markdown, read_outcome, read_paper

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
METAFILES = [CONFIGS / 'peers' / 'metafile.yml', CONFIGS / 'paper' / 'metafile.yml']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--dataset', nargs='+', required=True, help='as they were trained on')
    parser.add_argument('--budget', help='as it was trained with')
    parser.add_argument('--root', default='work_dirs', help='folder of the runs')
    parser.add_argument('--tables', nargs='+', type=int, help='default: 2 3 4 5 6')
    parser.add_argument('--output', metavar='DIR', help='for the .md and the .csv; default: ROOT')
    args = parser.parse_args()
    root = Path(args.root)
    rows = read_paper(METAFILES, args.tables)
    datasets = list(dict.fromkeys(Path(dataset).stem for dataset in args.dataset))
    outcomes = {
        (dataset, row.place): read_outcome(root, dataset, args.budget, row.place, row.prefix)
        for dataset in datasets for row in rows}
    text = markdown(rows, outcomes, datasets, args.budget)
    print(text)
    folder = Path(args.output or root)
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f'tables{suffix(*datasets, args.budget)}'
    for ending, content in (('md', text), ('csv', csv_text(rows, outcomes, datasets, args.budget))):
        path = stem.with_name(f'{stem.name}.{ending}')
        path.write_text(content, encoding='utf-8')
        print(f'written: {path}')


if __name__ == '__main__':
    main()
