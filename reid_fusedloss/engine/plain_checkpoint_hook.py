"""Checkpoints of plain data, which load without running code."""
from collections import Counter
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner

from ..registry import HOOKS


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Turn MMEngine's own objects in a checkpoint into tensors, dicts and numbers, and back.

    MMEngine 0.10.7 pickles `HistoryBuffer` (logged scalars) and `Counter` (milestones of a
    schedule) objects; neither loads with `weights_only=True` on every supported PyTorch.
    """
    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace the objects; called by MMEngine before it writes the file."""
        hub = checkpoint['message_hub']
        hub['log_scalars'] = {
            name: _plain_history(value) for name, value in hub['log_scalars'].items()}
        for state in _scheduler_states(checkpoint):
            for key, value in state.items():
                if isinstance(value, Counter):
                    state[key] = dict(value)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the objects; called by MMEngine after it has read the file."""
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for name, value in scalars.items():
            if isinstance(value, dict):
                scalars[name] = HistoryBuffer(
                    value['values'].numpy(), value['counts'].numpy(), value['max_length'])
        for state in _scheduler_states(checkpoint):
            if isinstance(state.get('milestones'), dict):
                state['milestones'] = Counter(state['milestones'])


def _plain_history(history: HistoryBuffer) -> dict[str, Any]:
    values, counts = history.data
    return dict(values=torch.as_tensor(values).cpu(), counts=torch.as_tensor(counts).cpu(),
                max_length=history.max_length)


def _scheduler_states(checkpoint: dict) -> list[dict]:
    states = checkpoint.get('param_schedulers', [])
    if isinstance(states, dict):
        states = [state for group in states.values() for state in group]
    return states
