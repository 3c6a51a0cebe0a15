"""Convert published weights of another project to a checkpoint of this one.

reid-fusedloss convert osnet_x0_25_market1501.pth work_dirs/osnet_x0_25.pth
"""

import argparse

from ..trust import add_trust_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', help='checkpoint of another project')
    parser.add_argument('target', help='file to write')
    parser.add_argument(
        '--layout',
        default='auto',
        metavar='LAYOUT',
        help='project of the checkpoint; auto: by the names of the weights',
    )
    parser.add_argument(
        '--camera',
        type=int,
        metavar='N',
        help='TransReID with camera embedding (SIE): the row to use, from 0 '
        '(camera 1 of Market-1501 is row 0)',
    )
    add_trust_argument(parser)
