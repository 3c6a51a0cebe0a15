"""Refuse to save weights that are not finite."""

import torch
from mmengine.dist import all_reduce
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from ..unwrap import unwrap


def check_finite(model: nn.Module, iteration: int) -> None:
    """Refuse weights and buffers that are not finite; all ranks call this.

    Infinity in a buffer is an error only in the statistics of a normalisation: attention masks
    hold it on purpose.

    Raises:
        FloatingPointError: on all ranks, if any of them has such a value.
    """
    wrong = not_finite(unwrap(model))
    anywhere = torch.tensor(int(bool(wrong)))
    all_reduce(anywhere, 'max')
    if anywhere:
        names = f'{wrong[:5]} ({len(wrong)} in all)' if wrong else 'on another process'
        raise FloatingPointError(
            f'weights are not finite at iteration {iteration}: {names}; they are not saved. Resume '
            'from the previous checkpoint (--resume) with a lower learning rate'
        )


def not_finite(model: nn.Module) -> list[str]:
    """Return the names of parameters and saved buffers that hold NaN or infinity."""
    saved = model.state_dict(keep_vars=True)
    statistics = {
        f'{name}.{key}'
        for name, module in model.named_modules()
        if isinstance(module, _NormBase)
        for key in ('running_mean', 'running_var')
    }
    tensors = {name: value for name, value in saved.items() if isinstance(value, torch.Tensor)}
    bounded = {name for name in tensors if isinstance(tensors[name], nn.Parameter)} | statistics
    return [
        name
        for name, value in tensors.items()
        if value.isnan().any() or name in bounded and value.isinf().any()
    ]
