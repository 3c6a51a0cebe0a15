#!/usr/bin/env python
"""python tools/extract_features.py work_dirs/demo photos/ --out out/: `reid-fusedloss extract`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('extract', prog='extract_features.py'))
