"""Compare two checkpoints."""

import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

# these depend on the clock, the machine's memory, the folder or the commit, not on the training
UNCOMPARED = re.compile(
    r'meta/(cfg|time|experiment_name|mmengine_version)'
    r'|message_hub/log_scalars/(train|val)/(time|data_time|memory)'
    r'|message_hub/runtime_info/'
    r'(cfg|experiment_name|eta|best_ckpt|last_ckpt|mmengine_version)'
)


def differences(first: Any, second: Any, place: str = '') -> Iterator[str]:
    """Yield the places where two checkpoints of one training differ in a bit; NaN equals NaN.

    Weights, buffers, optimizer, schedules, logged scalars and the state of the run are compared;
    times, memory and paths are not.

    Args:
        first: a loaded checkpoint, or a part of one.
        second: the other one.
        place: name of the part, such as 'state_dict/head.bn.weight'.
    """
    if UNCOMPARED.fullmatch(place):
        return
    if isinstance(first, dict) and isinstance(second, dict):
        for key in [*first, *(key for key in second if key not in first)]:
            inside = f'{place}/{key}'.removeprefix('/')
            if key in first and key in second:
                yield from differences(first[key], second[key], inside)
            elif not UNCOMPARED.fullmatch(inside):
                yield f'{inside} is only in {"the first" if key in first else "the second"}'
    elif isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        if len(first) != len(second):
            yield f'{place} has {len(first)} and {len(second)} entries'
        for number, pair in enumerate(zip(first, second)):
            yield from differences(*pair, f'{place}/{number}')
    elif isinstance(first, Tensor) and isinstance(second, Tensor):
        if first.shape != second.shape or not torch.equal(_bits(first), _bits(second)):
            yield f'{place}: tensors of shape {tuple(first.shape)}'
    elif type(first) is not type(second) or (first != second and first == first):
        yield f'{place}: {first!r:.80} and {second!r:.80}'


def _bits(tensor: Tensor) -> Tensor:
    """Return the bytes, where NaN equals NaN and -0.0 differs from 0.0."""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)
