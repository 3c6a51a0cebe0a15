"""Describe the optimizer, schedules and model settings of a run as plain data, to compare them."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from ..unwrap import unwrap

# changes while a schedule runs, or follows from the rest of its state
MOVING = 'last_step base_values best num_bad_epochs cooldown_counter verbose optimizer'.split()
# affects how a step is computed, not its result
IMPLEMENTATION = {'params', 'foreign', 'fused', 'capturable', 'differentiable'}
LEFT_OUT = {'init_cfg', 'pretrained', 'new_schedule'}  # config keys on how a run begins


def settings_of(runner: Runner) -> dict[str, Any]:
    """Return optimizer types, schedules, and the config keys that each step depends on."""
    return dict(
        optimizers={
            place: type(wrapper.optimizer).__name__
            for place, wrapper in optimizers(runner.optim_wrapper).items()
        },
        schedules={
            place: dict(type=type(schedule).__name__, **fixed_state(schedule.state_dict()))
            for place, schedule in schedules(runner.param_schedulers).items()
        },
        config=_config(runner),
    )


def optimizers(wrapper: OptimWrapper | OptimWrapperDict) -> dict[str, OptimWrapper]:
    """Return the wrappers of single optimizers by their place in a config."""
    if isinstance(wrapper, OptimWrapperDict):
        return {f'optim_wrapper.{name}.optimizer': part for name, part in wrapper.items()}
    return {'optim_wrapper.optimizer': wrapper}


def saved_optimizers(checkpoint: dict) -> dict[str, dict]:
    """Return the optimizer states of a checkpoint by the same places."""
    state = checkpoint['optimizer']
    if 'param_groups' in state:
        return {'optim_wrapper.optimizer': state}
    return {f'optim_wrapper.{name}.optimizer': part for name, part in state.items()}


def schedules(given: Any) -> dict[str, Any]:
    """Return schedules, or their states, by their place in a config."""
    if isinstance(given, dict):
        return {
            f'param_scheduler.{name}[{number}]': part
            for name, parts in given.items()
            for number, part in enumerate(parts)
        }
    return {f'param_scheduler[{number}]': part for number, part in enumerate(given or [])}


def fixed_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments in a schedule's state."""
    return {
        key: plain(value)
        for key, value in state.items()
        if key not in MOVING and not key.startswith('_')
    }


def plain(value: Any) -> Any:
    """Convert a value to numbers, strings, lists and dicts; a class or function to its name."""
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return getattr(value, '__name__', None) or type(value).__name__


def hyperparameters(groups: list[dict]) -> Iterator[tuple[int, str, Any]]:
    """Yield group number, name and value of each hyperparameter that an optimizer was built with.

    For a value that a schedule changes this is the initial value, which PyTorch keeps.
    """
    for number, group in enumerate(groups):
        for key, value in group.items():
            name = key.removeprefix('initial_')
            if key in IMPLEMENTATION or f'initial_{key}' in group:
                continue
            value = plain(value)
            if key == 'betas' and 'initial_momentum' in group:
                value = value[1:]  # the first is the momentum, which a schedule changes
            yield number, name, value


def _config(runner: Runner) -> dict[str, Any]:
    """Return the flat keys that a step depends on, but for those of optimizer and schedules."""
    cfg = runner.cfg
    parts = dict(model=cfg.get('model'), train_cfg=cfg.get('train_cfg'))
    wrapper, loader = cfg.get('optim_wrapper'), cfg.get('train_dataloader')
    if isinstance(wrapper, Mapping):
        parts['optim_wrapper'] = {
            key: value
            for key, value in wrapper.items()
            if key not in ('optimizer', 'paramwise_cfg')
        }
    if isinstance(loader, Mapping) and isinstance(loader.get('dataset'), Mapping):
        parts['train_dataloader.dataset.pipeline'] = loader['dataset'].get('pipeline')
    found = {key: value for name, part in parts.items() for key, value in _flat(part, name)}
    teacher: Any = getattr(unwrap(runner.model), 'teacher', None)
    if teacher is not None:  # a file may change and keep its name
        found['model.teacher.fingerprint'] = teacher.fingerprint
    return found


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name not in LEFT_OUT:
                yield from _flat(part, f'{key}.{name}')
    else:
        yield key, plain(value)
