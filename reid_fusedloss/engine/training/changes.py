"""Find the differences between a config and the checkpoint that is resumed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from .settings import (
    fixed_state,
    hyperparameters,
    optimizers,
    saved_optimizers,
    schedules,
    settings_of,
)

ABSENT = '(absent)'
OTHER_WEIGHTS = 'start from its weights (load_from without resume)'


def check_optimizers(runner: Runner, checkpoint: dict, saved: Mapping[str, Any]) -> None:
    """Refuse the state of another optimizer, or of other parameter groups.

    Args:
        runner: built, before it loads the checkpoint.
        checkpoint: as loaded.
        saved: result of `settings_of` when it was saved; empty in checkpoints of older versions.

    Raises:
        ValueError: if the checkpoint's state is not that of the config's optimizer.
    """
    here, there = optimizers(runner.optim_wrapper), saved_optimizers(checkpoint)
    if here.keys() != there.keys():
        raise ValueError(
            f'the checkpoint to resume has the optimizers {sorted(there)}, the config '
            f'{sorted(here)}: restore them, or {OTHER_WEIGHTS}'
        )
    for place, wrapper in here.items():
        groups = there[place]['param_groups']
        kind = saved.get('optimizers', {}).get(place)
        name = type(wrapper.optimizer).__name__
        if kind != name if kind else _another_kind(wrapper, groups[0]):
            raise ValueError(
                f'the checkpoint to resume was trained with {kind or "another optimizer"}, but the '
                f'config has {name} ({place}.type), which cannot use its state: restore the type, '
                f'or {OTHER_WEIGHTS}'
            )
        sizes = [
            [len(group['params']) for group in part]
            for part in (groups, wrapper.optimizer.param_groups)
        ]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f'the optimizer of the checkpoint to resume has {sum(sizes[0])} parameters in '
                f'{len(sizes[0])} groups, that of the config {sum(sizes[1])} in {len(sizes[1])}: '
                'the network or optim_wrapper.paramwise_cfg has changed; restore it, or '
                f'{OTHER_WEIGHTS}'
            )


def overruled(runner: Runner, checkpoint: dict, saved: Mapping[str, Any]) -> list[str]:
    """List hyperparameters and schedules of the config that a checkpoint's state would replace.

    Args:
        runner, checkpoint, saved: as for `check_optimizers`, which must pass first.

    Returns:
        'key old -> new' of each.
    """
    found: Counter[str] = Counter()
    there = saved_optimizers(checkpoint)
    for place, wrapper in optimizers(runner.optim_wrapper).items():
        old = {
            (number, name): value
            for number, name, value in hyperparameters(there[place]['param_groups'])
        }
        new = hyperparameters(wrapper.optimizer.param_groups)
        found.update(
            _change(f'{place}.{name}', old[number, name], value)
            for number, name, value in new
            if (number, name) in old and old[number, name] != value
        )
    lines = [
        f'{line} ({count} parameter groups)' if count > 1 else line for line, count in found.items()
    ]
    return lines + changed(_saved_schedules(checkpoint, saved), _schedules_here(runner, saved))


def changed_settings(runner: Runner, saved: Mapping[str, Any]) -> list[str]:
    """List the other config keys that changed; their new values take effect."""
    return changed(saved.get('config', {}), settings_of(runner)['config']) if saved else []


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """List the differences of two dicts as 'key old -> new', nested dicts key by key."""
    found: list[str] = []
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += changed(
                *({f'{key}.{name}': value for name, value in part.items()} for part in (old, new))
            )
        elif old != new:
            found.append(_change(key, old, new))
    return found


def _another_kind(wrapper: OptimWrapper, saved_group: Iterable[str]) -> bool:
    """Compare the names of hyperparameters; a newer PyTorch may have added some."""
    here = set(wrapper.optimizer.defaults)
    there = {key for key in saved_group if key != 'params'}
    return bool(here - there) and bool(there - here - set(wrapper.optimizer.param_groups[0]))


def _saved_schedules(checkpoint: dict, saved: Mapping[str, Any]) -> dict[str, Any]:
    if 'schedules' in saved:
        return saved['schedules']
    states = schedules(checkpoint.get('param_schedulers'))
    return {place: fixed_state(state) for place, state in states.items()}


def _schedules_here(runner: Runner, saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return schedules in the form of `_saved_schedules`, without types for older checkpoints."""
    found = settings_of(runner)['schedules']
    if 'schedules' not in saved:
        parts = schedules(runner.param_schedulers)
        for place, schedule in parts.items():
            found[place] = fixed_state(
                {key: value for key, value in schedule.state_dict().items() if not callable(value)}
            )
    return found


def _change(key: str, old: Any, new: Any, width: int = 80) -> str:
    before, after = (
        text if len(text) <= width else f'{text[:width]}...' for text in (str(old), str(new))
    )
    return f'{key} {before} -> {after}'
