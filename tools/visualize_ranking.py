#!/usr/bin/env python
"""python tools/visualize_ranking.py A/test B/test out.png: `reid-fusedloss ranking`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('ranking', prog='visualize_ranking.py'))
