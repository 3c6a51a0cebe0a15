"""Person re-identification for MMEngine's Runner.

Importing the package registers its components; in a config:
`custom_imports = dict(imports=['reid_fusedloss'])`. Its configs can then be inherited by scope:
`_base_ = 'reid_fusedloss::paper/fusedloss_r50.py'`.
"""

import os
import sys
from typing import Any

if 'cv2' not in sys.modules:
    # OpenCV reads this limit once, at import, and then refuses larger images
    os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(2**26))

from . import scope  # noqa: E402
from .started import by_command  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = ['trust_checkpoints', '__version__']

scope.add()
if not by_command():  # the command imports them after it has parsed its arguments
    from . import components  # noqa: F401


def __getattr__(name: str) -> Any:
    if name == 'trust_checkpoints':
        from .loading import trust_checkpoints

        return trust_checkpoints
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
