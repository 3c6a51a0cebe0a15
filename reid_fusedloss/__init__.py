"""Person re-identification for MMEngine's Runner.

Importing the package registers its components; in a config:
`custom_imports = dict(imports=['reid_fusedloss'])`. Its configs can then be inherited by scope:
`_base_ = 'reid_fusedloss::paper/fusedloss_r50.py'`.
"""
from typing import Any

from . import scope
from .started import by_command
from .version import __version__

__all__ = ['trust_checkpoints', '__version__']

scope.add()
if not by_command():  # the command imports them when it knows what to do
    from . import components  # noqa: F401


def __getattr__(name: str) -> Any:
    if name == 'trust_checkpoints':
        from .compat import trust_checkpoints
        return trust_checkpoints
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
