"""Log the corrupt images of the training set."""

from typing import Any

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...printable import printable
from ...registry import HOOKS


@HOOKS.register_module()
class SkippedImagesHook(Hook):
    """Name each image that `ReIDDataset(unreadable='skip')` replaced, once, and count them.

    The names of all ranks are gathered at the end of an epoch and of the training.
    """

    def __init__(self) -> None:
        self._draws: list[str] = []
        self._known: set[str] = set()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        for sample in (data_batch or {}).get('data_samples', ()):
            self._draws += sample.get('skipped', [])

    def after_train_epoch(self, runner: Runner) -> None:
        self._report(runner)

    def after_train(self, runner: Runner) -> None:
        """Report the rest: a training that counts iterations has no epochs."""
        self._report(runner)

    def _report(self, runner: Runner) -> None:
        gathered: list[Any] = all_gather_object(self._draws)
        draws = [path for part in gathered for path in part]
        self._draws = []
        for path in sorted(set(draws) - self._known):
            runner.logger.warning(
                f'{printable(path)} cannot be decoded: another image stood in, of the same '
                "identity if it has one (train_dataloader.dataset.unreadable='stop' stops instead)"
            )
        self._known |= set(draws)
        if draws:
            # MMEngine's logger would drop a warning that is equal to an earlier one
            runner.logger.warning(
                f'up to iteration {runner.iter}: {len(draws)} draws of '
                f'{len(set(draws))} unreadable images were replaced'
            )
