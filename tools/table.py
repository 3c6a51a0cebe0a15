#!/usr/bin/env python
"""python tools/table.py --dataset market1501: `reid-fusedloss table`."""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('table', prog='table.py'))
