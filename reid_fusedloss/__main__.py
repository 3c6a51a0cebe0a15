"""`python -m reid_fusedloss`: the command of the package."""

import sys

from .commands import main

if __name__ == '__main__':
    sys.exit(main())
