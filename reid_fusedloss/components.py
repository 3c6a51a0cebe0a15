"""Import all components of the package, which registers them in MMEngine."""

from . import datasets, distillation, engine, evaluation, losses, models  # noqa: F401
