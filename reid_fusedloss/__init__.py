"""Person re-identification for MMEngine's Runner.

Importing the package registers its components; in a config:
`custom_imports = dict(imports=['reid_fusedloss'])`.
"""
import os
import sys

if 'cv2' not in sys.modules:
    # OpenCV reads it once, when it is loaded: an image of more pixels is refused by all its readers
    os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(2**26))

from . import compat  # noqa: E402

compat.apply()

from . import datasets, engine, evaluation, losses, models  # noqa: E402, F401
from .compat import trust_checkpoints  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = ['trust_checkpoints', '__version__']
