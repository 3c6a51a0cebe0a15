"""Register all components of the package in MMEngine, and patch MMEngine."""

from mmengine.hub import hub

from . import compat, distributed, scope

compat.apply()
distributed.apply()
scope.answer_for_us(hub)

from . import datasets, distillation, engine, evaluation, losses, models  # noqa: E402, F401
