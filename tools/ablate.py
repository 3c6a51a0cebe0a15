#!/usr/bin/env python
"""python tools/ablate.py --rows paper/table2 --dataset market1501: `reid-fusedloss ablate`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('ablate', prog='ablate.py'))
