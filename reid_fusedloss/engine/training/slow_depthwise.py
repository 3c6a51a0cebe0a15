"""On a CPU, float32 for depthwise convolutions that are slow in bfloat16."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class SlowDepthwiseInFloat32(TorchFunctionMode):
    """Compute depthwise convolutions that are slow in bfloat16 on a CPU in float32.

    oneDNN computes some gradients far more slowly in bfloat16 than in float32
    (docs/training_speed.md): that of the input with a stride, 25 to 50 times as slowly; that of the
    weight with a kernel larger than 3x3, 2 to 5 times; both with two or three channels in a group,
    1.2 to 5 times. The result is bfloat16 again.
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
    in_group = weight.shape[1]
    return (
        input.dtype == torch.bfloat16
        and input.device.type == 'cpu'
        and in_group < input.shape[-3]  # it has groups
        and in_group <= 3
        and (in_group > 1 or max(strides) > 1 or max(weight.shape[2:]) > 3)
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
