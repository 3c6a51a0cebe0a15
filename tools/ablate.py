#!/usr/bin/env python
"""Run `reid-fusedloss ablate`:

python tools/ablate.py --rows paper/table2 --dataset market1501
"""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('ablate', prog='ablate.py'))
