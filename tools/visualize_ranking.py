#!/usr/bin/env python
"""Run `reid-fusedloss ranking`:

python tools/visualize_ranking.py work_dirs/baseline/test work_dirs/fused/test out.png
"""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('ranking', prog='visualize_ranking.py'))
