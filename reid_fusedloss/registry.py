"""Registries of this package: children of MMEngine's root registries.

MMEngine finds a type by its scope, so configs write `type='reid_fusedloss.BNNeckHead'`, which
resolves from every `default_scope`. A config that is inherited by scope,
`_base_ = 'reid_fusedloss::...'`, is built in our scope; there a name without a scope resolves as in
mmpretrain, which is the default scope of our configs.
"""

from importlib import import_module
from typing import Any

from mmengine import registry as mmengine_registry
from mmengine.registry import DefaultScope, Registry

SCOPE = 'reid_fusedloss'
DEFAULTS = 'mmpretrain'


class ScopeRegistry(Registry):
    """A registry that resolves names without a scope in mmpretrain if our scope is the default."""

    def get(self, key: str) -> Any | None:
        """See MMEngine's `Registry.get`."""
        default = DefaultScope.get_current_instance()
        if isinstance(key, str) and '.' not in key and default and default.scope_name == SCOPE:
            theirs = getattr(import_module(f'{DEFAULTS}.registry'), self._variable, None)
            found = None if theirs is None else theirs.get(key)
            if found is not None:
                return found
        return super().get(key)

    _variable = ''


def _child(variable: str, *modules: str) -> Registry:
    """Create a child of one of MMEngine's registries in our scope.

    Args:
        variable: name of the registry in `mmengine.registry`.
        modules: submodules of this package that register its types, imported at the first lookup;
            none: the package has no such types.
    """
    parent = getattr(mmengine_registry, variable)
    # without any location MMEngine imports all components
    locations = [f'{SCOPE}.{module}' for module in modules or ('registry',)]
    child = ScopeRegistry(parent.name, parent=parent, scope=SCOPE, locations=locations)
    child._variable = variable
    return child


DATASETS = _child('DATASETS', 'datasets')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets')
TRANSFORMS = _child('TRANSFORMS', 'datasets')
MODELS = _child('MODELS', 'models', 'losses', 'distillation')
METRICS = _child('METRICS', 'evaluation')
HOOKS = _child('HOOKS', 'engine')
LOOPS = _child('LOOPS', 'engine')
FUNCTIONS = _child('FUNCTIONS', 'engine')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'engine')
# MMEngine also looks these up in the scope of an inherited config
EVALUATOR = _child('EVALUATOR')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
OPTIMIZERS = _child('OPTIMIZERS')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS')
VISBACKENDS = _child('VISBACKENDS')
VISUALIZERS = _child('VISUALIZERS')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS')
