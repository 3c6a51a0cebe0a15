"""Pass the losses to the log without waiting for a GPU at each step."""

from typing import Any

from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.runner import Runner

from ...registry import HOOKS
from ..training.finite_loss import is_on_host, without_graph

MOST = 100  # steps whose losses are kept on the device


@HOOKS.register_module()
class DeferredInfoHook(RuntimeInfoHook):
    """MMEngine's `RuntimeInfoHook`, which reads losses from a GPU only when they are logged.

    MMEngine reads them after each step, and so waits until the GPU has finished it; meanwhile no
    further work is queued. The values in logs and checkpoints are the same. On a CPU nothing
    changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[dict[str, Any]] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        if outputs is not None:
            self._kept.append(without_graph(outputs))
        on_host = outputs is None or all(map(is_on_host, outputs.values()))
        if on_host or len(self._kept) >= MOST or self._is_logged(runner, batch_idx):
            self._pass_on(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put the losses that were kept until now into the checkpoint too."""
        if self._kept:
            self._pass_on(runner)
            checkpoint['message_hub'] = runner.message_hub.state_dict()

    def _is_logged(self, runner: Runner, batch_idx: int) -> bool:
        intervals = [hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)]
        return self.end_of_epoch(runner.train_dataloader, batch_idx) or any(
            self.every_n_inner_iters(batch_idx, interval)
            or self.every_n_train_iters(runner, interval)
            for interval in intervals
        )

    def _pass_on(self, runner: Runner) -> None:
        """Read all values, in the order of the steps; the first of them waits for the GPU."""
        kept, self._kept = self._kept, []
        for outputs in kept:
            super().after_train_iter(runner, 0, outputs=outputs)
