#!/usr/bin/env python
"""python tools/train.py CONFIG --dataset market1501: `reid-fusedloss train`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('train', prog='train.py'))
