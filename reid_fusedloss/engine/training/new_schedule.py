"""Go on with the rates and schedules of a config in place of a checkpoint's."""

import warnings
from collections.abc import Iterable

from mmengine.optim import _ParamScheduler
from mmengine.runner import Runner

from .asked import optimizers, saved_optimizers, schedules


def take_schedule(runner: Runner, checkpoint: dict, epoch_length: int) -> None:
    """Put the config's hyperparameters and schedules into a checkpoint that is about to be loaded.

    They stand where they would after the checkpoint's steps: each schedule is stepped so often. One
    that reads metrics (`ReduceOnPlateauLR`) starts from the config's rate. What the optimizer has
    gathered (moments, say) stays.

    Args:
        runner: built, before it loads the checkpoint; the rates of its optimizer are moved.
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
    """As MMEngine's hook does it: after each iteration, and at the end of an epoch."""
    by_iteration, by_epoch = [], []
    for part in parts:
        (by_epoch if part.by_epoch else by_iteration).append(part)
    with warnings.catch_warnings():  # the steps of the optimizer were taken before the stop
        warnings.filterwarnings('ignore', message='Detected call of `scheduler.step')
        for iteration in range(1, iterations + 1):
            for part in by_iteration:
                part.step()
            if iteration % epoch_length == 0 and iteration // epoch_length <= epochs:
                for part in by_epoch:
                    part.step()
