#!/usr/bin/env python
"""python tools/export_onnx.py work_dirs/demo demo.onnx: `reid-fusedloss export`."""

from reid_fusedloss.commands import start

if __name__ == '__main__':
    raise SystemExit(start('export', prog='export_onnx.py'))
