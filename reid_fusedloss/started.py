"""Detect whether the package's command runs, and let it start fast."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = 'reid-fusedloss'


def by_command() -> bool:
    """Whether `reid-fusedloss` or `python -m reid_fusedloss` started this process."""
    program = Path(sys.argv[0])
    return program.stem == COMMAND or program == Path(__file__).with_name('__main__.py')


@contextmanager
def importing() -> Iterator[None]:
    """Import modules faster, if this process is the command's.

    While PyTorch and MMEngine are imported, the garbage collector runs a hundred times and finds
    nothing; at exit it visits all that they made once more. Together that is a third of the CPU
    time of a short command. So it is off during the imports, and what they made is kept for good.
    """
    if not by_command() or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
