#!/usr/bin/env python
"""python tools/extract_features.py work_dirs/demo photos/ --out features/: `reid-fusedloss extract`."""
import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('extract', prog='extract_features.py'))
