#!/usr/bin/env python
"""CUHK03's release -> Market-1501's layout, as configs/_base_/datasets/cuhk03.py reads it.

python tools/make_cuhk03.py cuhk-03.mat cuhk03_new_protocol_config_detected.mat detected data/cuhk03
"""

import argparse
from pathlib import Path

from reid_fusedloss.datasets.cuhk03_release import KINDS, write_cuhk03


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('release', type=Path, help='cuhk-03.mat')
    parser.add_argument('protocol', type=Path, help='cuhk03_new_protocol_config_*.mat')
    parser.add_argument('kind', choices=KINDS, help='whose boxes')
    parser.add_argument('out', type=Path, help='folder to write into')
    args = parser.parse_args()
    for folder, number in write_cuhk03(**vars(args)).items():
        print(f'{folder}: {number} images')


if __name__ == '__main__':
    main()
