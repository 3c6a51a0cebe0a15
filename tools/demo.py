#!/usr/bin/env python
"""python tools/demo.py: `reid-fusedloss demo`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('demo', prog='demo.py'))
