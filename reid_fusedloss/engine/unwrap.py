"""The model itself."""
from mmengine.model import is_model_wrapper
from torch import nn


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside MMEngine's wrapper for several processes; without one, the model as it is."""
    return model.module if is_model_wrapper(model) else model
