"""Memory layout of convolutions."""

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ...registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Put the model's convolutions into channels-last layout, faster on CPUs and tensor cores.

    Results differ from the usual layout by rounding alone. On several processes the backbone's
    input takes the layout and the weights keep theirs: `DistributedDataParallel` averages wrong
    gradients in its first step if weights change their layout after it was made.
    """

    def before_run(self, runner: Runner) -> None:
        """Called by MMEngine before training or testing."""
        if not is_model_wrapper(runner.model):
            runner.model.to(memory_format=torch.channels_last)
            return
        for module in runner.model.modules():
            if hasattr(module, 'backbone'):
                module.backbone.register_forward_pre_hook(_to_channels_last)


def _to_channels_last(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs[0].contiguous(memory_format=torch.channels_last), *inputs[1:])
