"""An optimizer wrapper for mixed precision on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from ...registry import OPTIM_WRAPPERS
from .slow_depthwise import SlowDepthwiseInFloat32


@OPTIM_WRAPPERS.register_module()
class BF16OptimWrapper(OptimWrapper):
    """Run the forward pass in bfloat16 autocast; MMEngine's AmpOptimWrapper refuses CPUs.

    bfloat16 has the range of float32, so no loss scaling is needed. Weights, their gradients and
    the losses of this package stay in float32, and on a CPU those depthwise convolutions too
    that are slow in bfloat16.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), autocast(dtype=torch.bfloat16), SlowDepthwiseInFloat32():
            yield
