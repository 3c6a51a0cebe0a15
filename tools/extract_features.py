#!/usr/bin/env python
"""Run `reid-fusedloss extract`:

python tools/extract_features.py work_dirs/demo photos/ --out features/
"""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('extract', prog='extract_features.py'))
