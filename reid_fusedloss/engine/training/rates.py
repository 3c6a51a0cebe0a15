"""Refuse schedules that would train weights whose learning rate is 0."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.optim import OneCycleParamScheduler
from mmengine.runner import Runner

from .settings import schedules


def check_rates(runner: Runner) -> None:
    """Refuse a schedule that raises a learning rate of 0 (`lr_mult=0`), before training.

    An absolute minimum such as `eta_min` holds for all parameter groups and raises a rate of 0. So
    does `OneCycleLR`, which sets the rate of all groups to `eta_max`, regardless of `lr_mult`.

    Raises:
        ValueError: the error names the schedule, the number of parameter groups and a solution.
    """
    multiplied = sorted(set(_multipliers(runner.cfg.get('optim_wrapper'))))
    for place, schedule in schedules(runner.param_schedulers).items():
        kind = type(schedule).__name__
        if (
            isinstance(schedule, OneCycleParamScheduler)
            and multiplied
            and not isinstance(schedule.eta_max, (list, tuple))
        ):
            raise ValueError(
                f'{place} ({kind}) sets the rate of all weights to '
                f'eta_max={schedule.eta_max}, so optim_wrapper.paramwise_cfg '
                f'{multiplied} would have no effect: set eta_max to a list with a value for '
                'each parameter group, or use another schedule'
            )
        values = getattr(schedule, 'min_values', None)
        minimum = (getattr(schedule, 'eta_min', None) or 0.0) if values is None else max(values)
        groups = schedule.optimizer.param_groups
        frozen = sum(group.get('initial_lr', group['lr']) == 0 for group in groups)
        if schedule.param_name == 'lr' and minimum > 0 and frozen:
            key = 'eta_min' if values is None else 'min_value'
            way = f'{place}.{key}=0'
            if hasattr(schedule, 'eta_min_ratio'):
                way = f'{place}.eta_min_ratio instead of eta_min'
            raise ValueError(
                f'{place} ({kind}) has {key}={minimum}, which raises the rate of {frozen} '
                'parameter groups whose rate is 0 (lr_mult=0): they would be trained. Set '
                f'{way}, or requires_grad=False for these weights'
            )


def _multipliers(value: Any, key: str = '') -> Iterator[str]:
    """Yield keys such as `bias_lr_mult=2` anywhere in the config of an optimizer wrapper."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _multipliers(part, str(name))
    elif key.endswith('lr_mult') and value != 1:
        yield f'{key}={value}'
