"""Train and test rows of the paper's tables; after a stop the same command continues.

    reid-fusedloss ablate --rows paper/table2 paper/table3 --seeds 0 1 2 \\
        --dataset market1501 --budget cpu_market
"""

import argparse

from ..trust import add_trust_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--rows',
        nargs='+',
        required=True,
        help='configs, or folders of them such as paper/table2, by path or name',
    )
    parser.add_argument('--dataset', required=True, help='as for `train`')
    parser.add_argument('--budget', help='as for `train`')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument(
        '--root', default='work_dirs', help='runs go to ROOT/DATASET[_BUDGET]/TABLE/ROW/seedK'
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision in training')
    parser.add_argument(
        '--processes', dest='num_processes', type=int, default=1, help='of each training and test'
    )
    parser.add_argument(
        '--redo', action='store_true', help='remove and run again the rows whose config has changed'
    )
    parser.add_argument(
        '--keep-checkpoints',
        action='store_true',
        help='keep all checkpoints of a finished row, not only the last',
    )
    add_trust_argument(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='set single keys of every config',
    )
