"""Run a small example: draw pedestrians, train, evaluate, re-rank, draw. Two minutes on a CPU.

reid-fusedloss demo
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--config',
        default='demo/synthetic_r18',
        help='config file, or name of a config; default: %(default)s',
    )
    parser.add_argument(
        '--work-dir', default='work_dirs/demo', help='folder to write; default: %(default)s'
    )
