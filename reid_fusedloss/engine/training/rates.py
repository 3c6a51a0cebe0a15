"""Schedules that would give a learning rate to weights that have none."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.optim import OneCycleParamScheduler, _ParamScheduler
from mmengine.runner import Runner

from .asked import schedules


def check_rates(runner: Runner) -> None:
    """Refuse a schedule that moves weights whose rate is 0 (`lr_mult=0`), before training.

    An absolute minimum such as `eta_min` is one for all parameter groups: it lifts a rate of 0. So
    does `OneCycleLR`, which sets the rate of all of them to `eta_max` whatever `lr_mult` says.

    Raises:
        ValueError: it names the schedule, the number of parameter groups and the way out.
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
                f'{multiplied} would have no effect: give eta_max as a list, one for '
                'each parameter group, or take another schedule'
            )
        minimum = _minimum(schedule)
        groups = schedule.optimizer.param_groups
        still = sum(group.get('initial_lr', group['lr']) == 0 for group in groups)
        if schedule.param_name == 'lr' and minimum > 0 and still:
            key = 'min_value' if hasattr(schedule, 'min_values') else 'eta_min'
            raise ValueError(
                f'{place} ({kind}) has {key}={minimum}, which lifts the rate of {still} parameter '
                'groups whose rate is 0 (lr_mult=0): they would be trained. Set '
                + (
                    f'{place}.eta_min_ratio in place of eta_min'
                    if hasattr(schedule, 'eta_min_ratio')
                    else f'{place}.{key}=0'
                )
                + ', or requires_grad of these weights to False'
            )


def _minimum(schedule: _ParamScheduler) -> float:
    """Lowest value that a schedule lets a rate fall to, if that is the same for all groups."""
    if hasattr(schedule, 'min_values'):
        return max(schedule.min_values)
    return getattr(schedule, 'eta_min', None) or 0.0


def _multipliers(value: Any, key: str = '') -> Iterator[str]:
    """Keys such as `bias_lr_mult=2` anywhere in a config of an optimizer's wrapper."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _multipliers(part, str(name))
    elif key.endswith('lr_mult') and value != 1:
        yield f'{key}={value}'
