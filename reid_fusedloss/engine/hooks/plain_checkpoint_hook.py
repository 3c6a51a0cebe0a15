"""Checkpoints of plain data, which load without running code."""

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

# what `torch.load(weights_only=True)` reads on every supported PyTorch
PLAIN = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    Tensor,
    nn.Parameter,
    torch.Size,
    torch.dtype,
    torch.device,
)


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Turn MMEngine's own objects in a checkpoint into tensors, dicts and numbers, and back.

    MMEngine 0.10.7 pickles `HistoryBuffer` (logged scalars), `Counter` (milestones of a schedule),
    functions (of `OneCycleLR`) and NumPy numbers; they do not load with `weights_only=True` on
    every supported PyTorch. A function in the state of a schedule is left out: the one that the
    config builds keeps its own. Anything else that could not be read again ends the run at its
    first checkpoint.
    """

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace the objects; called by MMEngine before it writes the file.

        Raises:
            TypeError: if something is no plain data; it names its place.
        """
        for state in _schedules(checkpoint):
            for name in [name for name, value in state.items() if callable(value)]:
                del state[name]
        for key in checkpoint.keys() - {'state_dict'}:
            checkpoint[key] = _plain(checkpoint[key])
        for place, value in _foreign(checkpoint):
            raise TypeError(
                f'checkpoint{place} is a {type(value).__module__}.{type(value).__qualname__}: it '
                'could not be read again without running code from the file. Let the hook or part '
                'that puts it there save numbers, strings, tensors, lists and dicts'
            )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the objects; called by MMEngine after it has read the file."""
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
    """States of all schedules; with several optimizers they lie in a dict of lists."""
    states = checkpoint.get('param_schedulers', [])
    return states if isinstance(states, list) else sum(states.values(), [])


def _plain(value: Any) -> Any:
    """The same with containers rebuilt, and objects that are no plain data replaced."""
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
    """Places of values that are no plain data, and the values."""
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
