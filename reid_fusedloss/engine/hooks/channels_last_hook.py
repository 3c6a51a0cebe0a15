"""Use the channels-last memory layout for convolutions."""

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ...registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Convert the model's convolutions to channels-last, faster on CPUs and tensor cores.

    The gradient of the backbone's feature maps is converted too: that of a pooling has the default
    layout, which made the last normalisation a tenth of MobileNetV2's step.

    Results differ from the default layout only by rounding. On several processes the weights keep
    their layout, and only the backbone's input is converted: `DistributedDataParallel` averages
    wrong gradients in its first step if the layout of the weights changes after it was built.
    """

    def before_run(self, runner: Runner) -> None:
        is_wrapped = is_model_wrapper(runner.model)
        if not is_wrapped:
            runner.model.to(memory_format=torch.channels_last)
        for module in runner.model.modules():
            if hasattr(module, 'backbone'):
                if is_wrapped:
                    module.backbone.register_forward_pre_hook(_convert_input)
                module.backbone.register_forward_hook(_convert_gradients)


def _convert(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _convert_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (_convert(inputs[0]), *inputs[1:])


def _convert_gradients(module: nn.Module, inputs: Any, outputs: Any) -> None:
    for output in outputs if isinstance(outputs, (tuple, list)) else (outputs,):
        if isinstance(output, Tensor) and output.ndim == 4 and output.requires_grad:
            output.register_hook(_convert)
