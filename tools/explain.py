#!/usr/bin/env python
"""python tools/explain.py work_dirs/demo --images photos/: `reid-fusedloss explain`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('explain', prog='explain.py'))
