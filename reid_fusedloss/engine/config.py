"""Read configs and apply the choices of a command line to them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope

from ..distributed import has_accelerator
from ..logs import log, warn
from ..registry import DATASETS
from ..scope import find_config
from .budget import apply_budget, read_budget, read_config
from .checkpoints import latest_checkpoint
from .config_keys import RUNNER_KEYS
from .config_values import check_config
from .dataset_choice import DATASET_VARIABLE, read_with_dataset, suffix, title
from .training.batches import divided
from .training.identities import count_identities as identities_of

__all__ = [
    'DATASET_VARIABLE',
    'count_identities',
    'is_our_loop',
    'join_processes',
    'load_config',
    'resume',
    'split_batch',
    'suffix',
    'title',
    'use_amp',
]


def load_config(
    path: str,
    dataset: str | None = None,
    options: Mapping[str, Any] | None = None,
    budget: str | None = None,
) -> Config:
    """Read and check a config, with the data set, budget and keys that a command line chooses.

    Args:
        path: config file, or name of a config of the package; see `scope.find_config`.
        dataset: name of a data set config of the package, or path of another one, or several
            joined by '+', see `dataset_choice`; None: the config's own choice.
        options: keys to set, as in `Config.merge_from_dict`.
        budget: name or path of a budget, see `read_budget`; None: the config's own.

    Raises:
        FileNotFoundError: if the config, the data set config or the budget does not exist.
        ValueError: if the config cannot be read, does not let its data set be chosen, a key or an
            option is unknown, or a value is out of range.
        TypeError: if a value has the wrong type.
    """
    path = str(find_config(path))
    cfg = read_config(path) if dataset is None else read_with_dataset(path, dataset)
    if budget is not None:
        apply_budget(cfg, read_budget(budget))
    _set_options(cfg, options or {})
    check_config(cfg)
    if 'type' in (cfg.get('train_cfg') or {}) and cfg.train_cfg.get('by_epoch') is True:
        cfg.train_cfg.pop('by_epoch')  # implied by ReIDTrainLoop; MMEngine takes one of the two
    _complete_hooks(cfg)
    val, test = (
        (cfg.get(f'{name}_dataloader') or {}).get('dataset', {}).get('pipeline')
        for name in ('val', 'test')
    )
    if None not in (val, test) and val != test:
        warn(
            f'{path}: val_dataloader and test_dataloader have different pipelines, so their '
            'figures will differ'
        )
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    return cfg


def count_identities(cfg: Config) -> None:
    """Set the head's `num_classes`, where it is None, to the number of training identities.

    `ReIDTrainLoop` does this itself; other loops need the number in the config.
    """
    head = (cfg.get('model') or {}).get('head') or {}
    if 'num_classes' in head and head['num_classes'] is None:
        head['num_classes'] = identities_of(DATASETS.build(cfg.train_dataloader.dataset))


def split_batch(cfg: Config, world_size: int, per_process: bool = False) -> None:
    """Divide the config's training batch among the processes, unless it is per process.

    Args:
        cfg: a training config, changed in place.
        world_size: number of processes.
        per_process: the batch size is that of each process, as in MMEngine.

    Raises:
        ValueError: if a process would not get whole identities.
    """
    if is_our_loop(cfg):
        cfg.train_cfg.split_batch = not per_process
    elif not per_process:
        cfg.train_dataloader = divided(cfg.train_dataloader, world_size)


def is_our_loop(cfg: Config) -> bool:
    """Return whether a config uses `ReIDTrainLoop`, which counts identities, divides batches."""
    return str((cfg.get('train_cfg') or {}).get('type')).endswith('ReIDTrainLoop')


def resume(cfg: Config, checkpoint: str, new_schedule: bool = False) -> None:
    """Let a training resume from a checkpoint.

    Args:
        cfg: with the `work_dir` of the run; changed in place.
        checkpoint: path; 'auto': the latest intact one of the work_dir, or from scratch if it has
            none.
        new_schedule: take learning rates and schedules from the config, see `ReIDTrainLoop`.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    if checkpoint != 'auto' and not Path(checkpoint).is_file():
        raise FileNotFoundError(
            f'no checkpoint at {checkpoint}: check the path, or give --resume '
            'without a path for the latest of the work_dir'
        )
    cfg.load_from = latest_checkpoint(cfg.work_dir) if checkpoint == 'auto' else checkpoint
    cfg.resume = cfg.load_from is not None
    if new_schedule:
        cfg.train_cfg.new_schedule = True
    if not cfg.resume:
        warn(f'{cfg.work_dir} has no checkpoint to go on from: starting from scratch')


def use_amp(cfg: Config) -> None:
    """Enable mixed precision: float16 with loss scaling on a GPU, bfloat16 on a CPU.

    Other devices train in float32, and a line in the log says so.

    Raises:
        ValueError: if the config has a custom optimizer wrapper, which would be replaced.
    """
    device = get_device()
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if str(kind).split('.')[-1] not in ('OptimWrapper', 'AmpOptimWrapper', 'BF16OptimWrapper'):
        raise ValueError(
            f'--amp would replace optim_wrapper.type={kind!r}: leave --amp out, or set a '
            'wrapper for mixed precision in the config'
        )
    if device == 'cuda':
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    elif device == 'cpu':
        cfg.optim_wrapper.type = 'reid_fusedloss.BF16OptimWrapper'
    else:
        log(f'no mixed precision on {device}: training in float32')


def join_processes(cfg: Config, launcher: str) -> int:
    """Set the launcher of a config and return the number of processes.

    Raises:
        ValueError: if torchrun did not start this process, or `sync_bn` is set without a GPU.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return 1
    if 'WORLD_SIZE' not in os.environ:
        raise ValueError(
            '--launcher pytorch is for processes that torchrun starts: use '
            'tools/dist_train.sh or tools/dist_test.sh, or --processes N'
        )
    if not has_accelerator() and cfg.get('sync_bn') is not None:
        raise ValueError(
            f'sync_bn={cfg.sync_bn!r}: PyTorch synchronises batch normalisation only on GPUs; '
            'leave the key out to keep the statistics of each process'
        )
    return int(os.environ['WORLD_SIZE'])


MMENGINES_HOOKS = 'runtime_info timer sampler_seed logger param_scheduler checkpoint'.split()


def _complete_hooks(cfg: Config) -> None:
    """Add hooks that configs of older runs lack, and take out those that are None.

    Without `ForeignWeightsHook` MMEngine loads nothing of another project's checkpoint. A hook
    that is None is switched off; MMEngine fails, without naming it, unless it is one of its own.
    """
    if not cfg.get('default_hooks'):
        cfg.default_hooks = {}
    hooks = cfg.default_hooks
    hooks.setdefault('foreign_weights', dict(type='reid_fusedloss.ForeignWeightsHook'))
    hooks.setdefault('averaged_model', dict(type='reid_fusedloss.AveragedModelHook'))
    for name in [name for name, hook in hooks.items() if hook is None]:
        if name not in MMENGINES_HOOKS:
            del hooks[name]


def _set_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Set keys, and refuse an unknown first name: nothing would read it. Types check the rest."""
    known = set(cfg.keys()) | RUNNER_KEYS
    for option in options:
        if option.split('.')[0] not in known:
            raise ValueError(
                f'the config has no key {option.split(".")[0]!r} (--cfg-options '
                f'{option}): it has {sorted(cfg.keys())}'
            )
        try:
            cfg.merge_from_dict({option: options[option]})
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'--cfg-options {option}={options[option]!r} does not fit the config: {error}'
            ) from error
