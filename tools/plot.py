#!/usr/bin/env python
"""python tools/plot.py curves work_dirs/demo: `reid-fusedloss plot`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('plot', prog='plot.py'))
