#!/usr/bin/env python
"""python tools/train.py CONFIG --dataset market1501: `reid-fusedloss train`."""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('train', prog='train.py'))
