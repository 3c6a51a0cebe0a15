"""Weights that are worth saving."""

import torch
from mmengine.dist import all_reduce
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from ..unwrap import unwrap


def check_finite(model: nn.Module, iteration: int) -> None:
    """Refuse weights and buffers that are not finite; to be called on all ranks.

    Only in statistics of a normalisation is infinity an error: a mask of attention holds it.

    Raises:
        FloatingPointError: on all ranks, if one of them has such a value.
    """
    wrong = not_finite(unwrap(model))
    anywhere = torch.tensor(int(bool(wrong)))
    all_reduce(anywhere, 'max')
    if anywhere:
        names = f'{wrong[:5]} and, in all, {len(wrong)}' if wrong else 'on another process'
        raise FloatingPointError(
            f'weights are not finite at iteration {iteration}: {names}; they are not saved. Go on '
            'from the checkpoint before (--resume) with a lower learning rate'
        )


def not_finite(model: nn.Module) -> list[str]:
    """Names of the parameters and saved buffers that hold NaN or infinity."""
    saved = model.state_dict(keep_vars=True)
    statistics = {
        f'{name}.{key}'
        for name, module in model.named_modules()
        if isinstance(module, _NormBase)
        for key in ('running_mean', 'running_var')
    }
    return [
        name
        for name, value in saved.items()
        if isinstance(value, torch.Tensor)
        and (
            value.isnan().any()
            or (isinstance(value, nn.Parameter) or name in statistics)
            and value.isinf().any()
        )
    ]
