#!/usr/bin/env python
"""python tools/serve.py work_dirs/demo --gallery photos/: `reid-fusedloss serve`."""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('serve', prog='serve.py'))
