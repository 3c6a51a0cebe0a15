"""Everything that the package registers in MMEngine, and its patches of MMEngine."""
from . import compat

compat.apply()

from . import datasets, engine, evaluation, losses, models  # noqa: E402, F401
