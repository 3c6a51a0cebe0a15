"""Write the paper's tables, our figures beside the published ones, from `ablate`'s work_dirs.

reid-fusedloss table --dataset market1501 --budget cpu_market --tables 2 3
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `reid-fusedloss table`."""
    parser.add_argument('--dataset', nargs='+', required=True, help='as they were trained on')
    parser.add_argument('--budget', help='as it was trained with')
    parser.add_argument('--root', default='work_dirs', help='folder of the runs')
    parser.add_argument('--tables', nargs='+', type=int, help='default: 2 3 4 5 6')
    parser.add_argument('--output', metavar='DIR', help='for the .md and .csv; default: ROOT')
