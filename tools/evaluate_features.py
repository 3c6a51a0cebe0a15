#!/usr/bin/env python
"""python tools/evaluate_features.py features.npz --rerank: `reid-fusedloss evaluate`."""

import sys

from reid_fusedloss.commands import start

if __name__ == '__main__':
    sys.exit(start('evaluate', prog='evaluate_features.py'))
