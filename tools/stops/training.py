"""Scenarios of a training that writes into its work_dir."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from mmengine.config import Config, config
from mmengine.dataset import base_dataset
from mmengine.hooks import Hook
from mmengine.runner import Runner, runner

from reid_fusedloss import visualization
from reid_fusedloss.engine.checkpoints import differences, read_pointer
from reid_fusedloss.engine.config import count_identities, load_config, resume
from reid_fusedloss.engine.work_dir import check_work_dir
from reid_fusedloss.loading import load_checkpoint_file
from reid_fusedloss.visualization import load_scalars
from reid_fusedloss.visualization.canvas import save_png

from .scenarios import Scenario
from .tiny_demo import DEMO, tiny_options

OPTIONS = {
    'log_level': 'ERROR',
    'train_cfg.max_epochs': 2,
    'param_scheduler.1.end': 2,
    'default_hooks.checkpoint.max_keep_ckpts': 1,
    'default_hooks.report.num_queries': 1,
}
STEPS = 3  # of an epoch
STOP_AT = STEPS + 1
CLOCK = ('time', 'data_time', 'memory')
START = re.compile(r'\d{8}_\d{6}')  # log folder of one start
STARTS = count()
FIRST = 1_700_000_000  # second of the first start in a folder


class Checkpoint(dict):
    """A loaded checkpoint that compares equal to another one if they are identical to the bit."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and not any(differences(self, other))


class StopOnce(Hook):
    """Sends SIGTERM to a training at a step, unless a flag file says that it did before."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Create the flag file by a call that is not counted as an event."""
        if runner.iter + 1 == STOP_AT and not self.flag.exists():
            os.close(os.open(self.flag, os.O_CREAT))
            signal.raise_signal(signal.SIGTERM)


@cache
def data_root() -> TemporaryDirectory:
    """Folder of the images that all trainings read."""
    return TemporaryDirectory()


def tiny_config(work_dir: Path) -> Config:
    """Load the tiny demo with two epochs of 3 steps."""
    options = tiny_options(data_root().name) | OPTIONS
    for loader in ('train', 'val', 'test'):
        options[f'{loader}_dataloader.num_workers'] = 0
        options[f'{loader}_dataloader.persistent_workers'] = False
    cfg = load_config(str(DEMO), options=options)
    count_identities(cfg)
    cfg.work_dir = str(work_dir)
    return cfg


def train(folder: Path, *hooks: Hook) -> None:
    """Run `train CONFIG --work-dir work`, with `--resume` if there is a checkpoint."""
    work_dir = folder / 'work'
    with quick_start(work_dir):
        cfg = tiny_config(work_dir)
        cfg.experiment_name = f'start_{next(STARTS)}'  # MMEngine's global objects need a new name
        check_work_dir(work_dir)
        if any(work_dir.glob('*.pth')):
            resume(cfg, 'auto')
        training = Runner.from_cfg(cfg)
        for hook in hooks:
            training.register_hook(hook)
        training.train()


def told_to_stop(folder: Path) -> None:
    """Run a training that gets SIGTERM in its second epoch, then run it again."""
    try:
        train(folder, StopOnce(folder / 'told'))
    except SystemExit:
        train(folder)


@contextmanager
def quick_start(work_dir: Path) -> Iterator[None]:
    """Start a training without the slow parts of MMEngine, and at a second of its own.

    MMEngine names a start by its second, asks git and the compiler for versions, formats the
    config and collects garbage for each data set. Pictures are one pixel, written like all others.
    """
    second = FIRST + sum(1 for path in work_dir.glob('*') if START.fullmatch(path.name))
    clock = SimpleNamespace(**vars(runner.time) | dict(time=lambda: second))
    formatter = (
        'mmengine.config.config.FormatCode'
        if hasattr(config, 'FormatCode')
        else 'yapf.yapflib.yapf_api.FormatCode'
    )
    with ExitStack() as stack:
        stack.enter_context(patch.object(runner, 'time', clock))
        stack.enter_context(patch.multiple(runner, collect_env=dict, get_git_hash=str))
        stack.enter_context(patch.object(base_dataset, 'gc', SimpleNamespace(collect=int)))
        stack.enter_context(
            patch.multiple(visualization, save_curves=pixel, save_ranking_lists=pixel)
        )
        stack.enter_context(patch(formatter, lambda code, **_: (code, True)))
        yield


def pixel(source: Path, target: Path, **options: Any) -> Path:
    """Write a one-pixel picture in place of the real one."""
    return save_png(np.zeros((1, 1, 3), np.uint8), target)


def result(folder: Path) -> Any:
    """Read checkpoints, scores, ranking lists, curves, and the names of all files but logs."""
    work_dir = folder / 'work'
    files = [
        path
        for path in sorted(work_dir.rglob('*'))
        if not START.fullmatch(path.relative_to(work_dir).parts[0])
    ]
    names = [str(path.relative_to(work_dir)) for path in files]
    left = [name for name in names if name.endswith('.part') or name == '.training.lock']
    assert not left, f'left over: {left}'
    checkpoints = [
        Checkpoint(load_checkpoint_file(path)) for path in files if path.suffix == '.pth'
    ]
    contents = [path.read_bytes() for path in files if path.suffix == '.json']
    named = read_pointer(work_dir)
    assert named is not None, 'last_checkpoint names nothing'
    return names, Path(named).name, checkpoints, contents, curves(work_dir)


def curves(work_dir: Path) -> dict[str, list[dict]]:
    """Read the logged scalars of a training, without those that depend on the clock."""
    return {
        kind: [{key: value for key, value in line.items() if key not in CLOCK} for line in lines]
        for kind, lines in load_scalars(work_dir).items()
    }


def nothing(folder: Path) -> None:
    """Leave the folder empty."""


def scenario(run: Callable[[Path], None]) -> Scenario:
    return Scenario(nothing, run, result, is_idle=False)


SCENARIOS = {'checkpoints': scenario(train), 'told to stop': scenario(told_to_stop)}
