"""Registries of this package: children of MMEngine's roots.

MMEngine finds a type by its scope, so configs write `type='reid_fusedloss.BNNeckHead'`; the name
resolves from every `default_scope`.
"""
from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

SCOPE = 'reid_fusedloss'


def _child(parent: Registry, module: str) -> Registry:
    """Child of `parent` in our scope; `module` is imported when a type is first asked for."""
    return Registry(parent.name, parent=parent, scope=SCOPE, locations=[f'{SCOPE}.{module}'])


DATASETS = _child(MMENGINE_DATASETS, 'datasets')
DATA_SAMPLERS = _child(MMENGINE_DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(MMENGINE_TRANSFORMS, 'datasets')
MODELS = _child(MMENGINE_MODELS, 'models')
METRICS = _child(MMENGINE_METRICS, 'evaluation')
HOOKS = _child(MMENGINE_HOOKS, 'engine')
LOOPS = _child(MMENGINE_LOOPS, 'engine')
FUNCTIONS = _child(MMENGINE_FUNCTIONS, 'engine')
OPTIM_WRAPPERS = _child(MMENGINE_OPTIM_WRAPPERS, 'engine')
