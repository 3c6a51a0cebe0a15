"""Person re-identification for MMEngine's Runner.

Importing the package registers its components; in a config:
`custom_imports = dict(imports=['reid_fusedloss'])`.
"""
from . import compat

compat.apply()

from . import datasets, engine, evaluation, losses, models  # noqa: E402, F401
from .loading import trust_checkpoints  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = ['trust_checkpoints', '__version__']
