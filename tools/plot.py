#!/usr/bin/env python
"""python tools/plot.py curves work_dirs/demo: `reid-fusedloss plot`."""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('plot', prog='plot.py'))
