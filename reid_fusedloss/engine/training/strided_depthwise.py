"""Strided depthwise convolutions in float32 where the rest is in bfloat16 on a CPU."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

SLOW = 2  # at most this many channels in a group


class StridedDepthwiseInFloat32(TorchFunctionMode):
    """Compute strided depthwise convolutions of bfloat16 tensors on a CPU in float32.

    oneDNN computes the gradient of their input in bfloat16 25 to 30 times as slowly as in float32
    (4 times with two channels in a group): three of MobileNetV2's 52 convolutions took half of a
    training step (docs/training_speed.md).
    Their result is bfloat16 again.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is nn.functional.conv2d and _is_slow(*args, **kwargs):
            return _in_float32(func, *args, **kwargs)
        return func(*args, **kwargs)


def _is_slow(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, *_: Any, **__: Any
) -> bool:
    strides = stride if isinstance(stride, (tuple, list)) else (stride,)
    return (
        max(strides) > 1
        and weight.shape[1] <= SLOW
        and weight.shape[1] < input.shape[-3]  # in groups
        and input.dtype == torch.bfloat16
        and input.device.type == 'cpu'
    )


def _in_float32(
    func: Callable[..., Tensor],
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    bias = None if bias is None else bias.float()
    with torch.autocast('cpu', enabled=False):
        return func(input.float(), weight.float(), bias, *args, **kwargs).to(torch.bfloat16)
