"""From a config file and a command line to a config that the Runner takes."""
import atexit
import gc
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Optional

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.registry import init_default_scope

from ..registry import DATASETS
from .budget import apply_budget, read_budget, read_config
from .checkpoints import latest_checkpoint
from .config_keys import RUNNER_KEYS, check_keys
from .config_values import check_parts, check_values, images_of_an_identity

DATASET_VARIABLE = 'REID_DATASET'


def load_config(path: str, datasets_dir: Path, dataset: Optional[str] = None,
                options: Optional[Mapping[str, Any]] = None,
                budget: Optional[str] = None) -> Config:
    """Read a config, with another data set, another budget and single keys set from outside.

    Args:
        path: config file.
        datasets_dir: folder of the data set configs; that of the budgets is its neighbour.
        dataset: name of a config in it, or path of a data set config elsewhere; None: the config's
            own choice.
        options: keys to set, as in `Config.merge_from_dict`.
        budget: name or path of a budget, see `read_budget`; None: the config's own.

    Raises:
        FileNotFoundError: if the config, the data set config or the budget does not exist.
        ValueError: if the config cannot be read, does not let its data set be chosen, a key or an
            option names nothing, or a value is out of range.
        TypeError: if a value has another type.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'no config at {path}: check the path')
    name = None if dataset is None else _dataset_name(dataset, datasets_dir)
    with _variable(DATASET_VARIABLE, name):
        cfg = read_config(path)
    if dataset is not None and DATASET_VARIABLE not in cfg.env_variables:
        raise ValueError(f'{path} names its data set itself, so --dataset {dataset} has no effect: '
                         f"write '{{{{${DATASET_VARIABLE}:{dataset}}}}}' into its _base_, or leave "
                         '--dataset out')
    if budget is not None:
        apply_budget(cfg, read_budget(budget, datasets_dir.parent / 'budgets'))
    _set_options(cfg, options or {})
    if 'type' in (cfg.get('train_cfg') or {}) and cfg.train_cfg.get('by_epoch') is True:
        cfg.train_cfg.pop('by_epoch')  # what ReIDTrainLoop is; MMEngine takes one of the two keys
    check_parts(cfg)
    check_keys(cfg)
    if not cfg.get('default_hooks'):
        cfg.default_hooks = {}
    # configs that older runs have left lack it: MMEngine would load nothing of a foreign checkpoint
    cfg.default_hooks.setdefault('foreign_weights', dict(type='reid_fusedloss.ForeignWeightsHook'))
    check_values(cfg)
    val, test = (cfg[f'{name}_dataloader'].dataset.get('pipeline') for name in ('val', 'test'))
    if val != test:
        print_log(f'{path}: val_dataloader and test_dataloader have different pipelines, so their '
                  'figures will differ', logger='current', level=logging.WARNING)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    return cfg


def count_identities(cfg: Config) -> None:
    """Set the head's `num_classes` to the identities of the training set where it is None."""
    if cfg.model.head.get('num_classes') is None:
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        cfg.model.head.num_classes = dataset.metainfo['num_ids']


def split_batch(cfg: Config, world_size: int) -> None:
    """Divide the config's batch of training images, a total, among the processes.

    Raises:
        ValueError: if a process would not get whole identities.
    """
    loader = cfg.train_dataloader
    total = loader.batch_size
    num_instances = images_of_an_identity(loader)
    if total % (world_size * num_instances):
        raise ValueError(
            f'batch_size={total} in all does not split into {world_size} processes with '
            f'num_instances={num_instances} images of each identity: choose a multiple of '
            f'{world_size * num_instances}, or pass --batch-per-process')
    loader.batch_size = total // world_size


def resume(cfg: Config, checkpoint: str, new_schedule: bool = False) -> None:
    """Go on with a training.

    Args:
        cfg: with the `work_dir` of the run.
        checkpoint: path; 'auto': the latest whole one of the work_dir, or a new start if it has
            none.
        new_schedule: take rates and schedules from the config, see `ReIDTrainLoop`.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    if checkpoint != 'auto' and not Path(checkpoint).is_file():
        raise FileNotFoundError(f'no checkpoint at {checkpoint}: check the path, or give --resume '
                                'alone for the latest of the work_dir')
    cfg.load_from = latest_checkpoint(cfg.work_dir) if checkpoint == 'auto' else checkpoint
    cfg.resume = cfg.load_from is not None
    if new_schedule:
        cfg.train_cfg.new_schedule = True
    if not cfg.resume:
        print_log(f'{cfg.work_dir} has no checkpoint to go on from: starting anew',
                  logger='current', level=logging.WARNING)


def use_amp(cfg: Config) -> None:
    """Mixed precision: float16 with a loss scale on a GPU, bfloat16 on a CPU, none elsewhere."""
    device = get_device()
    if device == 'cuda':
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    elif device == 'cpu':
        cfg.optim_wrapper.type = 'reid_fusedloss.BF16OptimWrapper'
    else:
        print_log(f'no mixed precision on {device}: training in float32', logger='current')


def join_processes(cfg: Config, launcher: str) -> int:
    """Prepare several processes and return their number.

    MMEngine 0.10.7 selects a GPU for each process even where there is none. On a CPU the group is
    made here, with gloo, and the model's wrapper is told that it has no device.

    Raises:
        ValueError: if torchrun did not start this process, or `sync_bn` is asked for without GPU.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return 1
    if 'WORLD_SIZE' not in os.environ:
        raise ValueError('--launcher pytorch is for processes that torchrun starts: use '
                         'tools/dist_train.sh or tools/dist_test.sh')
    if not torch.cuda.is_available():
        if cfg.get('sync_bn') is not None:
            raise ValueError(f'sync_bn={cfg.sync_bn!r}: PyTorch synchronises batch normalisation on '
                             'GPUs alone; leave the key out for statistics of each process')
        if not torch.distributed.is_initialized():
            timeout = timedelta(seconds=cfg.env_cfg.dist_cfg.timeout)
            torch.distributed.init_process_group('gloo', timeout=timeout)
            atexit.register(_leave_at_exit)
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None,
                                     broadcast_buffers=False, find_unused_parameters=False)
    return int(os.environ['WORLD_SIZE'])


def leave_processes() -> None:
    """End what `join_processes` or MMEngine began, while the interpreter still runs.

    `destroy_process_group` alone leaves the threads of gloo alive as long as a model's wrapper
    refers to the group, and a run is a circle of objects that only a collection frees. A thread
    that wakes late would release the tensors of its last operation while the interpreter ends: it
    cannot, and aborts a process whose training is complete ("terminate called without an active
    exception"). `join_processes` has this called at the exit too, when no frame of the program
    refers to a run any more.
    """
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    gc.collect()


def _leave_at_exit() -> None:
    """Not after an error: operations that wait for other processes would have to be waited for."""
    if not hasattr(sys, 'last_value'):
        leave_processes()


def _set_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """A misspelt key would be set and never read; below the first name, types refuse it."""
    known = set(cfg.keys()) | RUNNER_KEYS
    for option in options:
        if option.split('.')[0] not in known:
            raise ValueError(f'the config has no key {option.split(".")[0]!r} (--cfg-options '
                             f'{option}): it has {sorted(cfg.keys())}')
        try:
            cfg.merge_from_dict({option: options[option]})
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f'--cfg-options {option}={options[option]!r} does not fit the config: '
                             f'{error}') from error


@contextmanager
def _variable(name: str, value: Optional[str]) -> Iterator[None]:
    """Set an environment variable for a while; None leaves it as it is."""
    before = os.environ.get(name)
    if value is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        if before is not None:
            os.environ[name] = before
        elif value is not None:
            del os.environ[name]


def _dataset_name(dataset: str, datasets_dir: Path) -> str:
    """Name as it is put into a path below `datasets_dir`."""
    if dataset.endswith('.py'):
        if not Path(dataset).is_file():
            raise FileNotFoundError(f'no data set config at {dataset}: check the path')
        return Path(os.path.relpath(dataset, datasets_dir)).with_suffix('').as_posix()
    known = sorted(path.stem for path in datasets_dir.glob('*.py') if path.stem != 'reid')
    if dataset not in known:
        raise FileNotFoundError(f'--dataset {dataset} is unknown: choose one of {known}, or give '
                                'the path of a data set config (.py)')
    return dataset
