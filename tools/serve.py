#!/usr/bin/env python
"""python tools/serve.py work_dirs/demo --gallery photos/: `reid-fusedloss serve`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('serve', prog='serve.py'))
