#!/usr/bin/env python
"""Run `reid-fusedloss search`:

python tools/search.py work_dirs/demo --query who.jpg --gallery photos/
"""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('search', prog='search.py'))
