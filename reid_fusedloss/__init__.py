"""Person re-identification for MMEngine's Runner.

Importing the package lets MMEngine find its components by name, in a config:
`custom_imports = dict(imports=['reid_fusedloss'])`; they are imported when the first is built. Its
configs can then be inherited by scope: `_base_ = 'reid_fusedloss::paper/fusedloss_r50.py'`.
"""

import os
import sys
from typing import Any

if 'cv2' not in sys.modules:
    # OpenCV reads this limit once, at import, and then refuses larger images
    os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(2**26))

from . import scope  # noqa: E402
from .after_import import after_import  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = ['trust_checkpoints', '__version__']


def _patch_runner() -> None:
    from . import compat

    compat.apply()


def _patch_start() -> None:
    from . import distributed

    distributed.patch_start()


def _patch_wrapper() -> None:
    from . import distributed

    distributed.patch_wrapper()


def _patch_hub() -> None:
    from mmengine.hub import hub

    scope.answer_for_us(hub)


scope.add()
# not imported here: they import PyTorch, which a command's help and an exported model do not need
after_import('mmengine.runner', _patch_runner)
after_import('mmengine.hub.hub', _patch_hub)
after_import('mmengine.dist.utils', _patch_start)
after_import('mmengine.model', _patch_wrapper)


def __getattr__(name: str) -> Any:
    if name == 'trust_checkpoints':
        from .loading import trust_checkpoints

        return trust_checkpoints
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
