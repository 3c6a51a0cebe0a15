"""Use the channels-last memory layout for convolutions."""

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ...registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Convert the model's convolutions to channels-last, faster on CPUs and tensor cores.

    Results differ from the default layout only by rounding. On several processes only the
    backbone's input is converted: `DistributedDataParallel` averages wrong gradients in its first
    step if the layout of the weights changes after it was built.
    """

    def before_run(self, runner: Runner) -> None:
        if not is_model_wrapper(runner.model):
            runner.model.to(memory_format=torch.channels_last)
            return
        for module in runner.model.modules():
            if hasattr(module, 'backbone'):
                module.backbone.register_forward_pre_hook(_to_channels_last)


def _to_channels_last(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs[0].contiguous(memory_format=torch.channels_last), *inputs[1:])
