"""Whether this process is the command of the package, which imports heavy modules late."""
import sys
from pathlib import Path

COMMAND = 'reid-fusedloss'


def by_command() -> bool:
    """Whether `reid-fusedloss` or `python -m reid_fusedloss` started this process.

    While a package is imported for `python -m`, the name of its file is not known yet: it is read
    from the original command line.
    """
    if Path(sys.argv[0]).stem == COMMAND:
        return True
    flag = sys.orig_argv.index('-m') if '-m' in sys.orig_argv else len(sys.orig_argv)
    return sys.orig_argv[flag + 1:flag + 2] == ['reid_fusedloss']
