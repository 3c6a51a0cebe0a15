"""Run the package's command by `python -m reid_fusedloss`."""

import sys

from .commands import main

if __name__ == '__main__':
    sys.exit(main())
