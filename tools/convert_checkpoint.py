#!/usr/bin/env python
"""python tools/convert_checkpoint.py THEIRS.pth OURS.pth: `reid-fusedloss convert`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('convert', prog='convert_checkpoint.py'))
