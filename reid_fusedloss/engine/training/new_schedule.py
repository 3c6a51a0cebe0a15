"""Resume with the learning rates and schedules of the config instead of the checkpoint's."""

import warnings
from collections.abc import Iterable

from mmengine.optim import _ParamScheduler
from mmengine.runner import Runner

from .settings import optimizers, saved_optimizers, schedules


def take_schedule(runner: Runner, checkpoint: dict, epoch_length: int) -> None:
    """Put the config's hyperparameters and schedules into a checkpoint that is about to be loaded.

    Each schedule is advanced by the checkpoint's steps; one that reads metrics
    (`ReduceOnPlateauLR`) starts from the config's rate. The optimizer's own state, such as
    moments, is kept.

    Args:
        runner: built, before it loads the checkpoint; its optimizer's rates change.
        checkpoint: as loaded; changed in place.
        epoch_length: iterations of an epoch.
    """
    built = schedules(runner.param_schedulers)
    _step(built.values(), checkpoint['meta']['iter'], checkpoint['meta']['epoch'], epoch_length)
    saved = saved_optimizers(checkpoint)
    for place, wrapper in optimizers(runner.optim_wrapper).items():
        state = saved[place]
        for group, here in zip(state['param_groups'], wrapper.optimizer.param_groups):
            params = group['params']
            group.clear()
            group.update(here, params=params)
        if getattr(wrapper, 'base_param_settings', None) is not None:
            state['base_param_settings'] = wrapper.base_param_settings
    given = runner.param_schedulers
    if isinstance(given, dict):
        checkpoint['param_schedulers'] = {
            name: [part.state_dict() for part in parts] for name, parts in given.items()
        }
    else:
        checkpoint['param_schedulers'] = [part.state_dict() for part in given or []]


def _step(
    parts: Iterable[_ParamScheduler], iterations: int, epochs: int, epoch_length: int
) -> None:
    """Step the schedules like MMEngine's hook: after each iteration and after each epoch."""
    ordered = sorted(parts, key=lambda part: part.by_epoch)
    with warnings.catch_warnings():  # the optimizer took its steps before the stop
        warnings.filterwarnings('ignore', message='Detected call of `scheduler.step')
        for iteration in range(1, iterations + 1):
            epoch, rest = divmod(iteration, epoch_length)
            for part in ordered:
                if not part.by_epoch or rest == 0 and epoch <= epochs:
                    part.step()
