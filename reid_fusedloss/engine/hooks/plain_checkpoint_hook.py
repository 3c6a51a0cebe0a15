"""Save checkpoints as plain data, which loads without running code."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from torch import Tensor, nn

from ...registry import HOOKS

# types that `torch.load(weights_only=True)` reads on every supported PyTorch
PLAIN = {type(None), bool, int, float, complex, str, bytes}
PLAIN |= {Tensor, nn.Parameter, torch.Size, torch.dtype, torch.device}


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Convert MMEngine's objects in a checkpoint to tensors, dicts and numbers, and back.

    MMEngine 0.10.7 pickles `HistoryBuffer` (logged scalars), `Counter` (milestones of a schedule),
    functions (of `OneCycleLR`) and NumPy numbers; these do not load with `weights_only=True` on
    every supported PyTorch. A function in the state of a schedule is left out: the schedule built
    from the config has its own. Any other object that could not be loaded again stops the run at
    its first checkpoint.
    """

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace the objects.

        Raises:
            TypeError: if a value cannot be replaced by plain data; the error names its place.
        """
        for state in _schedules(checkpoint):
            for name in [name for name, value in state.items() if callable(value)]:
                del state[name]
        for key in checkpoint.keys() - {'state_dict'}:
            checkpoint[key] = _plain(checkpoint[key])
        for place, value in _foreign(checkpoint):
            raise TypeError(
                f'checkpoint{place} is a {type(value).__module__}.{type(value).__qualname__}: it '
                'could not be loaded without running code from the file. Change the hook or part '
                'that puts it there to save numbers, strings, tensors, lists and dicts'
            )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the objects."""
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for name, value in scalars.items():
            if isinstance(value, dict):
                scalars[name] = HistoryBuffer(
                    value['values'].cpu().numpy(),
                    value['counts'].cpu().numpy(),
                    value['max_length'],
                )
        for state in _schedules(checkpoint):
            if isinstance(state.get('milestones'), dict):
                state['milestones'] = Counter(state['milestones'])


def _schedules(checkpoint: dict) -> list[dict]:
    """Return the states of all schedules; with several optimizers they are a dict of lists."""
    states = checkpoint.get('param_schedulers', [])
    return states if isinstance(states, list) else sum(states.values(), [])


def _plain(value: Any) -> Any:
    """Return a copy with rebuilt containers, and with known objects replaced by plain data."""
    if isinstance(value, HistoryBuffer):
        values, counts = value.data
        return dict(
            values=torch.as_tensor(values),
            counts=torch.as_tensor(counts),
            max_length=value.max_length,
        )
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biufc':
        return torch.as_tensor(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        return (list if isinstance(value, list) else tuple)(_plain(part) for part in value)
    return value


def _foreign(value: Any, place: str = '') -> Iterator[tuple[str, Any]]:
    """Yield place and value of everything that is not plain data."""
    if isinstance(value, dict):
        for key, part in value.items():
            if type(key) not in PLAIN:
                yield f'{place}.keys()', key
            yield from _foreign(part, f'{place}[{key!r}]')
    elif type(value) in (list, tuple):
        for number, part in enumerate(value):
            yield from _foreign(part, f'{place}[{number}]')
    elif type(value) not in PLAIN:
        yield place, value
