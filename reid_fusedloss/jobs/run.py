"""Run a script of another MM package."""

import argparse
import runpy
import sys
from pathlib import Path


def run(args: argparse.Namespace) -> None:
    """Run `python SCRIPT ARGUMENTS` in a process that has imported this package."""
    if not Path(args.script).is_file():
        raise FileNotFoundError(f'no script at {args.script}: check the path')
    given, sys.argv = sys.argv, [args.script, *args.arguments]
    sys.path.insert(0, str(Path(args.script).resolve().parent))
    try:
        runpy.run_path(args.script, run_name='__main__')
    finally:
        sys.argv = given
