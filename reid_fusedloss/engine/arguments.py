"""Command-line arguments that the tools share."""
import argparse
from pathlib import Path
from typing import Optional

from mmengine.config import DictAction


def add_run_arguments(parser: argparse.ArgumentParser, several_datasets: bool = False) -> None:
    """Arguments of everything that runs a config: data set, keys, launcher, trust."""
    parser.add_argument('--dataset', nargs='+' if several_datasets else None,
                        help='market1501, dukemtmc, ... or the path of a data set config; default: '
                        'the one the config names')
    parser.add_argument('--budget', help='cpu_synthetic, cpu_market, ... or the path of a budget: '
                        "another network, image size and schedule; default: the config's own")
    parser.add_argument('--trust-checkpoint', action='store_true',
                        help='load files that can run code; only for files you trust')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='set single keys of the config')
    parser.add_argument('--launcher', choices=['none', 'pytorch'], default='none',
                        help='pytorch: started by torchrun, as dist_train.sh and dist_test.sh do')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)


def suffix(*choices: Optional[str]) -> str:
    """What a work_dir's name says of the choices made by --dataset and --budget."""
    return ''.join(f'_{Path(choice).stem}' for choice in choices if choice)
