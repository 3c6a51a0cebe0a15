#!/usr/bin/env python
"""python tools/test.py CONFIG CHECKPOINT --dataset market1501: `reid-fusedloss test`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('test', prog='test.py'))
