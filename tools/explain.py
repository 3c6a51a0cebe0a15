#!/usr/bin/env python
"""python tools/explain.py work_dirs/demo --images photos/: `reid-fusedloss explain`."""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('explain', prog='explain.py'))
