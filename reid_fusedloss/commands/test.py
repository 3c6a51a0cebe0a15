"""Test a checkpoint: reid-fusedloss test CONFIG CHECKPOINT --dataset market1501 dukemtmc

    reid-fusedloss test osnet_x0_25_market1501 --dataset market1501      # weights of the package

mAP, CMC and mINP, plain and re-ranked; one table for several data sets. `market1501+dukemtmc` is
one run, in which each set is evaluated by itself.
"""

import argparse

from .arguments import add_run_arguments
from .processes import add_processes_argument

INTERMIXED = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'config', help='config file, or name of a config or a trained network of the package'
    )
    parser.add_argument(
        'checkpoint', nargs='?', help='checkpoint file; a trained network of the package needs none'
    )
    parser.add_argument(
        '--work-dir',
        help="folder to write; default: test[_DATASET] in the checkpoint's folder, or in "
        'work_dirs/NAME for weights of the package; with several data sets, a folder for each '
        'in it',
    )
    parser.add_argument(
        '--flip',
        action='store_true',
        help='average the embeddings of an image and its mirror image',
    )
    parser.add_argument(
        '--compare',
        action='store_true',
        help='rank by every feature of the head and every distance, with and without re-ranking',
    )
    parser.add_argument(
        '--save-features',
        nargs='?',
        const='features.npz',
        metavar='FILE.npz',
        help='save the embeddings too, in the folder of the test',
    )
    add_run_arguments(parser, several_datasets=True)
    add_processes_argument(parser)
