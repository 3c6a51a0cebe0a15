"""Checkpoints of plain data, which load without running code."""
from collections import Counter
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner

from ...registry import HOOKS


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Turn MMEngine's own objects in a checkpoint into tensors, dicts and numbers, and back.

    MMEngine 0.10.7 pickles `HistoryBuffer` (logged scalars), `Counter` (milestones of a schedule)
    and NumPy numbers; they do not load with `weights_only=True` on every supported PyTorch.
    """
    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace the objects; called by MMEngine before it writes the file."""
        for key in checkpoint.keys() - {'state_dict'}:
            checkpoint[key] = _plain(checkpoint[key])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the objects; called by MMEngine after it has read the file."""
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for name, value in scalars.items():
            if isinstance(value, dict):
                scalars[name] = HistoryBuffer(
                    value['values'].cpu().numpy(), value['counts'].cpu().numpy(), value['max_length'])
        states = checkpoint.get('param_schedulers', [])
        for state in states if isinstance(states, list) else sum(states.values(), []):
            if isinstance(state.get('milestones'), dict):
                state['milestones'] = Counter(state['milestones'])


def _plain(value: Any) -> Any:
    """The same with containers rebuilt, and objects that are no plain data replaced."""
    if isinstance(value, HistoryBuffer):
        values, counts = value.data
        return dict(values=torch.as_tensor(values), counts=torch.as_tensor(counts),
                    max_length=value.max_length)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return (list if isinstance(value, list) else tuple)(_plain(part) for part in value)
    return value
