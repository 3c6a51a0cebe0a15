#!/usr/bin/env python
"""python tools/ablate.py --rows configs/paper/table2 --dataset market1501: `reid-fusedloss ablate`."""
import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('ablate', prog='ablate.py'))
