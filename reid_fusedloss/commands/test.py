"""Test a checkpoint: reid-fusedloss test CONFIG CHECKPOINT --dataset market1501 dukemtmc

mAP, CMC and mINP, plain and re-ranked; one table for several data sets. `market1501+dukemtmc` is
one run, in which each set is evaluated by itself.
"""

import argparse

from .arguments import add_run_arguments
from .processes import add_processes_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `reid-fusedloss test`."""
    parser.add_argument('config', help='config file, or name of a config')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--work-dir',
        help='where to write; default: test[_DATASET] in the '
        "checkpoint's folder; with several data sets, a folder for each in it",
    )
    parser.add_argument(
        '--flip',
        action='store_true',
        help='average the embeddings of an image and its mirror image',
    )
    parser.add_argument(
        '--compare',
        action='store_true',
        help='rank by every feature of the head and every distance, and re-ranked',
    )
    parser.add_argument(
        '--save-features',
        nargs='?',
        const='features.npz',
        metavar='FILE.npz',
        help='write the embeddings too, into the folder of the test',
    )
    add_run_arguments(parser, several_datasets=True)
    add_processes_argument(parser)
