"""Mixed precision without a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from ...registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BF16OptimWrapper(OptimWrapper):
    """Forward pass in bfloat16 autocast, on a CPU too, where MMEngine's AmpOptimWrapper refuses.

    bfloat16 has the range of float32, so no loss scale is needed. Weights, gradients of the
    weights and the losses of this package stay in float32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Context of the forward pass; called by MMEngine."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
