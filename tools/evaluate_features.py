#!/usr/bin/env python
"""python tools/evaluate_features.py features.npz --rerank: `reid-fusedloss evaluate`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('evaluate', prog='evaluate_features.py'))
