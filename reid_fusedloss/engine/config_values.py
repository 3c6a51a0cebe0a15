"""Check the values of a config and name the wrong key, before anything is built."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config

from ..checks import check_int, check_number
from .config_keys import check_keys
from .training.batches import images_of_an_identity

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
PARTS = [
    *LOADERS,
    *'model train_cfg val_cfg test_cfg optim_wrapper default_hooks env_cfg randomness'.split(),
]
EVALUATORS = ('val_evaluator', 'test_evaluator')
COUNTS = ('max_epochs', 'max_iters', 'val_begin', 'val_interval')
# schedules that interpolate between `begin` and `end`: without an end they never change the rate
TIMED = ('LinearLR', 'ConstantLR', 'CosineAnnealingLR', 'PolyLR')
LENGTHS = ('end', 'T_max', 'total_iters')


def check_config(cfg: Config) -> None:
    """Check the types of a config's parts, then its keys, then its values.

    Raises:
        TypeError, ValueError: as `check_keys` and `check_values`; TypeError also if a part that
            must be a dict is something else.
    """
    for name in PARTS:
        if not isinstance(cfg.get(name), (Mapping, type(None))):
            raise TypeError(f'{name} must be a dict, got {cfg.get(name)!r}')
    for name in EVALUATORS:
        given = cfg.get(name)
        parts = given if isinstance(given, (list, tuple)) else [given]
        if given is not None and not all(isinstance(part, Mapping) for part in parts):
            raise TypeError(f'{name} must be a dict or a list of dicts, got {given!r}')
    check_keys(cfg)
    check_values(cfg)


def check_values(cfg: Config) -> None:
    """Refuse values on which MMEngine fails late, or not at all, without naming the key.

    Raises:
        TypeError: if a value has the wrong type.
        ValueError: if a part is missing, a value is out of range, `num_instances` does not divide
            the batch, a schedule has no end, or of the three keys of a validation or a test some
            are None and some are not.
    """
    loaders = ['train_dataloader', *_evaluation_loaders(cfg)]
    for name, part in [*((name, 'dataset') for name in loaders), ('model', 'head')]:
        if not isinstance((cfg.get(name) or {}).get(part), Mapping):
            raise ValueError(f'{name}.{part} is missing or not a dict: set it, or inherit it')
    for key in COUNTS:
        if key in (cfg.get('train_cfg') or {}):
            check_int(f'train_cfg.{key}', cfg.train_cfg[key])
    for loader in loaders:
        check_int(f'{loader}.batch_size', cfg[loader].get('batch_size'))
        check_int(f'{loader}.num_workers', cfg[loader].get('num_workers', 0), least=0)
    _check_batch(cfg.train_dataloader)
    _check_optimizer((cfg.get('optim_wrapper') or {}).get('optimizer'))
    for place, scheduler in _schedulers(cfg.get('param_scheduler')):
        _check_scheduler(place, scheduler)


def _evaluation_loaders(cfg: Config) -> list[str]:
    """Return the loaders of val and test that are set; each needs all of its three keys."""
    loaders: list[str] = []
    for kind in ('val', 'test'):
        keys = [f'{kind}_{part}' for part in ('dataloader', 'cfg', 'evaluator')]
        given = [key for key in keys if cfg.get(key) is not None]
        if given not in ([], keys):
            raise ValueError(
                f'{", ".join(keys)} must be set together, or all be None: got only '
                f'{", ".join(given)}'
            )
        loaders += given[:1]
    return loaders


def _check_batch(loader: Mapping[str, Any]) -> None:
    num_instances = images_of_an_identity(loader)
    check_int('train_dataloader.batch_sampler.num_instances', num_instances)
    if loader['batch_size'] % num_instances:
        raise ValueError(
            f'train_dataloader.batch_size={loader["batch_size"]} must be a multiple of '
            f'train_dataloader.batch_sampler.num_instances={num_instances}: a batch is P '
            'identities x K images; change one of the two keys'
        )


def _check_optimizer(optimizer: Any) -> None:
    if optimizer is None:
        return
    if not isinstance(optimizer, Mapping):
        raise TypeError(f'optim_wrapper.optimizer must be a dict, got {optimizer!r}')
    if 'lr' in optimizer:
        check_number('optim_wrapper.optimizer.lr', optimizer['lr'])
        if optimizer['lr'] <= 0:
            raise ValueError(f'optim_wrapper.optimizer.lr={optimizer["lr"]} must be > 0')


def _schedulers(given: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each schedule and its key, from a dict, a list, or a dict of these by optimizer."""
    if given is None:
        return
    if isinstance(given, Mapping) and 'type' not in given:
        for name, part in given.items():
            yield from ((f'{place}.{name}', found) for place, found in _schedulers(part))
        return
    if not isinstance(given, (Mapping, list, tuple)):
        raise TypeError(f'param_scheduler must be a list of dicts, got {given!r}')
    if isinstance(given, Mapping):
        yield 'param_scheduler', given
        return
    for number, part in enumerate(given):
        place = f'param_scheduler[{number}]'
        if not isinstance(part, Mapping) or 'type' not in part:
            raise TypeError(f'{place} must be a dict with `type`, got {part!r}')
        yield place, part


def _check_scheduler(place: str, scheduler: Mapping[str, Any]) -> None:
    for key, least in (('begin', 0), ('end', 1)):
        if key in scheduler:
            check_int(f'{place}.{key}', scheduler[key], least)
    kind = str(scheduler['type'])
    if kind.split('.')[-1] in TIMED and not any(key in scheduler for key in LENGTHS):
        raise ValueError(
            f'{place} ({kind}) has no `end`, so it would never change the rate: set the epoch '
            '(or, with by_epoch=False, the iteration) at which it ends'
        )
    if 'end' in scheduler and scheduler['end'] <= scheduler.get('begin', 0):
        raise ValueError(
            f'{place} ({kind}): end={scheduler["end"]} must be greater than '
            f'begin={scheduler.get("begin", 0)}'
        )
