#!/usr/bin/env python
"""python tools/search.py work_dirs/demo --query who.jpg --gallery photos/: `reid-fusedloss search`."""
import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('search', prog='search.py'))
