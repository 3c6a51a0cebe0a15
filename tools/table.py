#!/usr/bin/env python
"""python tools/table.py --dataset market1501: `reid-fusedloss table`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('table', prog='table.py'))
