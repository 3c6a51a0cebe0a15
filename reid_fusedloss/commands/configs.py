"""List the configs of the package, or copy some for editing.

    reid-fusedloss configs                        all configs, one per line
    reid-fusedloss configs table4                 configs with this in their name
    reid-fusedloss configs fusedloss_r50 --copy my_configs

--copy also copies what the configs inherit, so that the copies work.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('names', nargs='*', metavar='NAME', help='names or parts of names')
    parser.add_argument(
        '--copy',
        type=Path,
        metavar='DIR',
        help='copy the named configs to DIR; existing files are kept',
    )
