#!/usr/bin/env python
"""python tools/visualize_ranking.py work_dirs/baseline/test work_dirs/fused/test out.png: `reid-fusedloss ranking`."""
import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('ranking', prog='visualize_ranking.py'))
