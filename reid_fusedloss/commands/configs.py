"""List the configs of the package, or copy some to be edited.

    reid-fusedloss configs                        all of them, a line each
    reid-fusedloss configs table4                 those with this in their name
    reid-fusedloss configs fusedloss_r50 --copy my_configs

--copy takes along what the configs inherit, so that they work where they are put.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `reid-fusedloss configs`."""
    parser.add_argument('names', nargs='*', metavar='NAME', help='names or parts of names')
    parser.add_argument(
        '--copy',
        type=Path,
        metavar='DIR',
        help='copy the configs named there; a file that is there is left',
    )
