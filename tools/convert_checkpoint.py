#!/usr/bin/env python
"""python tools/convert_checkpoint.py THEIRS.pth OURS.pth: `reid-fusedloss convert`."""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('convert', prog='convert_checkpoint.py'))
