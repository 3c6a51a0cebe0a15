"""Train a config: reid-fusedloss train fusedloss_r50 --dataset market1501

A config is a path or a name of `reid-fusedloss configs`. `--dataset market1501+dukemtmc` trains on
both together. Several processes on this machine:
`--processes 4`. The batch of the config is the total over all of them.
"""

import argparse

from .arguments import add_run_arguments
from .processes import add_processes_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or name of a config')
    parser.add_argument(
        '--work-dir', help='folder to write; default: work_dirs/CONFIG[_DATASET][_BUDGET]'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from the latest checkpoint of the work_dir, or from this one',
    )
    parser.add_argument(
        '--new-schedule',
        action='store_true',
        help='with --resume: take learning rate, weight decay and schedules from '
        "the config, advanced by the checkpoint's steps",
    )
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision: float16 on a GPU, bfloat16 on a CPU'
    )
    parser.add_argument(
        '--batch-per-process',
        action='store_true',
        help="use the config's batch_size per process, not as the total",
    )
    add_run_arguments(parser)
    add_processes_argument(parser)
