"""Detect whether the package's command runs, which imports heavy modules late."""

import sys
from pathlib import Path

COMMAND = 'reid-fusedloss'


def by_command() -> bool:
    """Whether `reid-fusedloss` or `python -m reid_fusedloss` started this process.

    While Python imports a package for `python -m`, `sys.argv` does not name its file yet, so the
    original command line is used.
    """
    program = Path(sys.argv[0])
    if program.stem == COMMAND or program == Path(__file__).with_name('__main__.py'):
        return True
    module = sys.orig_argv[sys.orig_argv.index('-m') + 1 :] if sys.argv[0] == '-m' else []
    return module[:1] == ['reid_fusedloss']
