#!/usr/bin/env python
"""python tools/search.py work_dirs/demo --query a.jpg --gallery photos: `reid-fusedloss search`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('search', prog='search.py'))
