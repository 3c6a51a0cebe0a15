"""Log the progress of an evaluation at intervals of time."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...checks import check_number
from ...evaluation.progress import LogProgress
from ...registry import HOOKS


@HOOKS.register_module()
class ProgressHook(Hook):
    """Log how many images are to be tested, then every few seconds the share that is done.

    MMEngine's `LoggerHook` counts batches; on a CPU twenty of them may take minutes.

    Args:
        interval: seconds between two lines.

    Raises:
        TypeError, ValueError: if the interval is not a number >= 0.
    """

    def __init__(self, interval: float = 10.0) -> None:
        check_number('interval', interval)
        if interval < 0:
            raise ValueError(f'interval={interval} must be >= 0')
        self.interval = interval

    def before_test_epoch(self, runner: Runner) -> None:
        loader = runner.test_loop.dataloader
        runner.logger.info(f'features of {len(loader.dataset)} images, in {len(loader)} batches')
        self._progress, self._total = LogProgress('features', self.interval), len(loader)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self._progress(batch_idx + 1, self._total)
