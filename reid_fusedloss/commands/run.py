"""Run a script of another MM package, such as mmpretrain's tools/train.py, with this one imported.

    reid-fusedloss run mmpretrain/tools/train.py my_config.py --work-dir work_dirs/mine

MMEngine resolves `_base_ = 'reid_fusedloss::...'` only if this package is already imported;
`custom_imports` of the same config comes too late. Several processes: torchrun --nproc_per_node=2
-m reid_fusedloss run SCRIPT ...
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('script', help='Python file')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help='its arguments')
