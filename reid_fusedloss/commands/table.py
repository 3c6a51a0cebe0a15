"""Write tables from `ablate`'s work_dirs: the paper's, beside its figures, or of other rows.

reid-fusedloss table --dataset market1501 --budget cpu_market --tables 2 3
reid-fusedloss table --dataset market1501 --budget cpu_market_24e --rows strong
reid-fusedloss table --evidence
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--dataset', nargs='+', help='as they were trained on')
    what.add_argument(
        '--evidence',
        nargs='?',
        const='',
        metavar='FILE.yml',
        help="instead, the paper's tables beside what others publish and what was measured here; "
        "default: the package's configs/paper/evidence.yml",
    )
    parser.add_argument('--budget', help='as it was trained with')
    parser.add_argument('--root', default='work_dirs', help='folder of the runs')
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--tables', nargs='+', type=int, help='of the paper; default: 2 3 4 5 6')
    which.add_argument(
        '--rows',
        nargs='+',
        help="instead of the paper's tables, these rows, each with its gain over the row that it "
        'inherits: configs or folders of them, as for `ablate`',
    )
    parser.add_argument('--output', metavar='DIR', help='for the .md and .csv; default: ROOT')
