"""What a run asks of its optimizer, schedules and model, as plain data to save and to compare."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict, _ParamScheduler
from mmengine.runner import Runner

# what moves while a schedule runs, or follows from the rest of its state
MOVING = {
    'last_step',
    'base_values',
    'best',
    'num_bad_epochs',
    'cooldown_counter',
    'verbose',
    'optimizer',
}
# how a step is computed, not what
IMPLEMENTATION = {'params', 'foreign', 'fused', 'capturable', 'differentiable'}
LEFT_OUT = {'init_cfg', 'pretrained', 'new_schedule'}  # of the config: how a run begins
Schedules = list[_ParamScheduler] | dict[str, list[_ParamScheduler]] | None


def asked_of(runner: Runner) -> dict[str, Any]:
    """Types of the optimizers, schedules and, of the config, what each step of a run depends on."""
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
    """Wrappers of single optimizers by their place in a config."""
    if isinstance(wrapper, OptimWrapperDict):
        return {f'optim_wrapper.{name}.optimizer': part for name, part in wrapper.items()}
    return {'optim_wrapper.optimizer': wrapper}


def saved_optimizers(checkpoint: dict) -> dict[str, dict]:
    """States in a checkpoint by the same names."""
    state = checkpoint['optimizer']
    if 'param_groups' in state:
        return {'optim_wrapper.optimizer': state}
    return {f'optim_wrapper.{name}.optimizer': part for name, part in state.items()}


def schedules(given: Any) -> dict[str, Any]:
    """Schedules, or their states, by their place in a config."""
    if isinstance(given, dict):
        return {
            f'param_scheduler.{name}[{number}]': part
            for name, parts in given.items()
            for number, part in enumerate(parts)
        }
    return {f'param_scheduler[{number}]': part for number, part in enumerate(given or [])}


def fixed_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in a schedule's state."""
    return {
        key: plain(value)
        for key, value in state.items()
        if key not in MOVING and not key.startswith('_')
    }


def plain(value: Any) -> Any:
    """The same as numbers, strings, lists and dicts; a class or function by its name."""
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
    """Number of the group, name and value of what an optimizer was built with.

    A value that a schedule moves counts as it was at the start, which PyTorch keeps beside it.
    """
    for number, group in enumerate(groups):
        for key, value in group.items():
            name = key.removeprefix('initial_')
            if key in IMPLEMENTATION or f'initial_{key}' in group:
                continue
            value = plain(value)
            if key == 'betas' and 'initial_momentum' in group:
                value = value[1:]  # the first is the momentum
            yield number, name, value


def _config(runner: Runner) -> dict[str, Any]:
    """Keys that a step depends on, flat, without those that the optimizer and schedules show."""
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
    return {key: value for name, part in parts.items() for key, value in _flat(part, name)}


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name not in LEFT_OUT:
                yield from _flat(part, f'{key}.{name}')
    else:
        yield key, plain(value)
