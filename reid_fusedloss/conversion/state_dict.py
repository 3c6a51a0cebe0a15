"""Find the weights in a checkpoint, whatever they are wrapped in."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

WRAPPERS = ('state_dict', 'model', 'net', 'network')


def is_mmengines(checkpoint: Any) -> bool:
    """Whether MMEngine's Runner wrote a checkpoint, so that its names are those of its model."""
    if not isinstance(checkpoint, Mapping):
        return False
    meta = checkpoint.get('meta')
    return 'message_hub' in checkpoint or isinstance(meta, Mapping) and 'mmengine_version' in meta


def read_state_dict(checkpoint: Any) -> dict[str, Tensor]:
    """Unwrap `{'state_dict': ...}`, `{'model': ...}`, a whole module, and DataParallel's names.

    Args:
        checkpoint: content of a checkpoint file.

    Returns:
        Name -> tensor; other values are left out.

    Raises:
        ValueError: if it holds no weights.
    """
    state = checkpoint
    while not isinstance(state, nn.Module):
        if not isinstance(state, Mapping):
            raise ValueError(
                f'the checkpoint holds a {type(state).__name__} instead of named weights: give a '
                'state dict, or a checkpoint with one'
            )
        inner = [state[key] for key in WRAPPERS if isinstance(state.get(key), (Mapping, nn.Module))]
        if not inner:
            break
        state = inner[0]
    if isinstance(state, nn.Module):
        state = state.state_dict()
    tensors = {
        str(name).removeprefix('module.'): torch.as_tensor(value)
        if isinstance(value, np.ndarray)
        else value
        for name, value in state.items()
    }
    tensors = {name: value for name, value in tensors.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(
            'the checkpoint holds no tensors by name: it has the keys '
            f'{[str(key) for key in list(state)[:5]]}'
        )
    return tensors
