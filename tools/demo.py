#!/usr/bin/env python
"""python tools/demo.py: `reid-fusedloss demo`."""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('demo', prog='demo.py'))
