"""Check that a resumed training is the one that its config describes."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from ...registry import HOOKS
from ..training.changes import OTHER_WEIGHTS, changed_settings, check_optimizers, overruled
from ..training.data_facts import data_facts, differing
from ..training.new_schedule import take_schedule
from ..training.settings import settings_of
from .averaged_model_hook import refuse_lost_average

META_KEY = 'training'


@HOOKS.register_module()
class ResumeHook(Hook):
    """Save the data and settings of a training, and compare them with the config at a resume.

    MMEngine's resume overwrites the config's optimizer and schedules with the saved states. This
    hook refuses to resume if that would change a value, and names each with both values;
    `train_cfg.new_schedule=True` of `ReIDTrainLoop` (`tools/train.py --resume --new-schedule`)
    takes learning rate, weight decay and the like, and the schedules, from the config. Other data,
    batches or types of optimizer are refused. Other changes, in model, loss, pipeline and length,
    take effect and are named in a warning. Checkpoints of older versions, without these settings,
    are compared by their states only.

    `ReIDTrainLoop` registers it.
    """

    priority = 'HIGH'  # before EMAHook, which changes weights; after foreign layouts are refused

    def __init__(self) -> None:
        self._known: tuple[DataLoader, dict[str, Any]] | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the data and settings; only the main process saves."""
        checkpoint['meta'][META_KEY] = dict(settings_of(runner), data=self._facts(runner))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare, before the states are loaded.

        Raises:
            ValueError: if data, batch or optimizer differ, a value would change and
                `new_schedule` is not set, or averaged weights would be taken for trained ones.
        """
        if not (runner._resume and isinstance(runner._train_loop, BaseLoop)):
            return
        saved: dict[str, Any] = checkpoint.get('meta', {}).get(META_KEY, {})
        self._compare_data(runner, saved.get('data', {}))
        refuse_lost_average(runner, checkpoint)
        if 'optimizer' in checkpoint and 'param_schedulers' in checkpoint:
            self._compare_states(runner, checkpoint, saved)
        changes = changed_settings(runner, saved)
        if changes:
            runner.logger.warning(
                'changed since the checkpoint, in effect from here on: ' + '; '.join(changes)
            )

    def _compare_data(self, runner: Runner, saved: dict[str, Any]) -> None:
        if not saved:
            return
        here = self._facts(runner)
        found = differing(saved, here)
        if found:
            raise ValueError(
                'the checkpoint to resume is of a training on other data or batches: '
                f'{"; ".join(found)}. Restore them, or {OTHER_WEIGHTS}'
            )
        if differing(saved, here, ['content']):
            runner.logger.warning(
                'the training images have the same names as when the checkpoint was saved, but '
                'the content of some has changed'
            )

    def _compare_states(self, runner: Runner, checkpoint: dict, saved: dict[str, Any]) -> None:
        check_optimizers(runner, checkpoint, saved)
        changes = overruled(runner, checkpoint, saved)
        if getattr(runner.train_loop, 'new_schedule', False):
            take_schedule(runner, checkpoint, len(runner.train_loop.dataloader))
            runner.logger.info('new_schedule: ' + ('; '.join(changes) or 'nothing has changed'))
        elif changes:
            raise ValueError(
                f'the checkpoint to resume would overrule the config: {"; ".join(changes)}. '
                'Restore these values, or use those of the config with --new-schedule '
                '(train_cfg.new_schedule=True)'
            )

    def _facts(self, runner: Runner) -> dict[str, Any]:
        loader = runner.train_loop.dataloader
        if self._known is None or self._known[0] is not loader:
            self._known = loader, data_facts(loader)
        return self._known[1]
