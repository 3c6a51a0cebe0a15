"""Save the training when a signal tells it to stop."""

import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, barrier, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...checks import check_int
from ...registry import HOOKS
from ..checkpoints import (
    BACKEND,
    INTERRUPTED,
    POINTER,
    check_finite,
    gather_rank_buffers,
    write_pointer,
)
from ..training.data_worker import STOP_SIGNALS
from .averaged_model_hook import ema_hooks


@HOOKS.register_module()
class StopSignalHook(Hook):
    """On a signal finish the current step, save `interrupted.pth`, and exit with 128 + the signal.

    `tools/train.py --resume` continues from there. Clusters send a signal before they end a job
    (Slurm: `--signal=USR1@60` sends it a minute earlier). During an evaluation the state at the end
    of the epoch is saved, and the resumed run repeats the evaluation.

    Args:
        signals: names of signals.
        interval: number of steps after which several processes tell each other about a signal.

    Raises:
        ValueError: if a signal is unknown or the interval is not positive.
        TypeError: if the interval is not an integer.
    """

    priority = 'LOWEST'

    def __init__(self, signals: Sequence[str] = STOP_SIGNALS, interval: int = 10) -> None:
        unknown = [name for name in signals if not hasattr(signal, name)]
        if unknown:
            raise ValueError(f'signals={unknown} are unknown on this system: leave them out')
        check_int('interval', interval)
        self.signals = tuple(getattr(signal, name) for name in signals)
        self.interval = interval
        self._told = 0
        self._passes = 0  # over the test set, in the current evaluation
        self._before: dict[int, Any] = {}

    def before_train(self, runner: Runner) -> None:
        if is_main_process() and not runner._resume:
            for name in (INTERRUPTED, POINTER):  # of another run in this folder
                Path(runner.work_dir, name).unlink(missing_ok=True)
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in self.signals}

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if self._is_told(runner.iter + 1):
            self._stop(runner, epoch=runner.epoch, iter=runner.iter + 1)

    def before_val_epoch(self, runner: Runner) -> None:
        """Count the passes of an evaluation: an EMAHook may evaluate two models."""
        self._passes = 0

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self._passes += batch_idx == 0
        if self._before and self._is_told(batch_idx + 1):
            for hook in ema_hooks(runner):  # it swaps the weights for the first pass
                if self._passes == 1 and getattr(hook, 'evaluate_on_ema', True):
                    hook._swap_ema_parameters()
            self._stop(runner, epoch=runner.epoch, iter=runner.iter)

    def after_train(self, runner: Runner) -> None:
        """Restore the signal handlers, and remove the file, which is stale now."""
        self._restore()
        if is_main_process():
            Path(runner.work_dir, INTERRUPTED).unlink(missing_ok=True)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._told = number

    def _is_told(self, step: int) -> bool:
        if get_world_size() > 1:
            if step % self.interval:
                return False
            told = torch.tensor(self._told)
            all_reduce(told, 'max')
            self._told = int(told)
        return self._told > 0

    def _stop(self, runner: Runner, **meta: int) -> None:
        name = signal.Signals(self._told).name
        try:
            check_finite(runner.model, meta['iter'])
            runner.save_checkpoint(
                runner.work_dir,
                INTERRUPTED,
                meta={**meta, **gather_rank_buffers(runner.model)},
                by_epoch=False,
                backend_args=dict(backend=BACKEND),
            )
            if is_main_process():
                write_pointer(runner.work_dir, Path(runner.work_dir, INTERRUPTED))
            runner.logger.warning(
                f'told to stop by {name}: saved {INTERRUPTED} at iteration '
                f'{meta["iter"]}; --resume continues from there'
            )
        except FloatingPointError as error:
            runner.logger.error(f'told to stop by {name}: {error}')
        barrier()  # a launcher stops all processes when the first one exits
        self._restore()
        raise SystemExit(128 + self._told)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
