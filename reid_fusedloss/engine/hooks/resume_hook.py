"""A resumed training is the one that the config describes, or says in what it is not."""

from typing import Any

from mmengine.hooks import EMAHook, Hook
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from ...registry import HOOKS
from ..training.asked import asked_of
from ..training.changes import OTHER_WEIGHTS, check_optimizers, overruled, used
from ..training.data_facts import data_facts, differing
from ..training.new_schedule import take_schedule

META_KEY = 'training'


@HOOKS.register_module()
class ResumeHook(Hook):
    """Save what a training is trained on and asked for; compare it with the config at a resume.

    MMEngine loads the states of optimizer and schedules over what the config says. This hook
    refuses to resume where that would overrule a value, and names each with both values;
    `train_cfg.new_schedule=True` of `ReIDTrainLoop` (`tools/train.py --resume --new-schedule`)
    takes learning rate, weight decay and the like and the schedules from the config. Other data,
    another batch and another type of optimizer are refused. What else has changed in model, loss,
    pipeline and length is used as the config says, and named in a warning. A checkpoint from before
    these were saved is compared by its states alone.

    `ReIDTrainLoop` registers it.
    """

    priority = 'HIGH'  # before hooks that move weights (EMAHook), after foreign layouts are refused

    def __init__(self) -> None:
        self._known: tuple[DataLoader, dict[str, Any]] | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add what is compared; on the main process."""
        checkpoint['meta'][META_KEY] = dict(asked_of(runner), data=self._facts(runner))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare, before the states are loaded.

        Raises:
            ValueError: if data, batch or optimizer are others, a value would be overruled and
                `new_schedule` is not set, or averaged weights would be taken for trained ones.
        """
        if not (runner._resume and isinstance(runner._train_loop, BaseLoop)):
            return
        saved: dict[str, Any] = checkpoint.get('meta', {}).get(META_KEY, {})
        self._compare_data(runner, saved.get('data', {}))
        if 'ema_state_dict' in checkpoint and not any(
            isinstance(hook, EMAHook) for hook in runner.hooks
        ):
            raise ValueError(
                'the checkpoint to resume holds averaged weights, but the config has '
                'no EMAHook to go on with them: put it back into custom_hooks, or '
                f'{OTHER_WEIGHTS}'
            )
        if 'optimizer' in checkpoint and 'param_schedulers' in checkpoint:
            self._compare_states(runner, checkpoint, saved)
        changes = used(runner, saved)
        if changes:
            runner.logger.warning(
                'changed since the checkpoint, and used from here on: ' + '; '.join(changes)
            )

    def _compare_data(self, runner: Runner, saved: dict[str, Any]) -> None:
        if not saved:
            return
        here = self._facts(runner)
        found = differing(saved, here)
        if found:
            raise ValueError(
                'the checkpoint to resume is of a training on other data or batches: '
                f'{"; ".join(found)}. Set them back, or {OTHER_WEIGHTS}'
            )
        if differing(saved, here, ['content']):
            runner.logger.warning(
                'the training images are called as before, but some have another '
                'content than when the checkpoint was saved'
            )

    def _compare_states(self, runner: Runner, checkpoint: dict, saved: dict[str, Any]) -> None:
        check_optimizers(runner, checkpoint, saved)
        changes = overruled(runner, checkpoint, saved)
        if getattr(runner.train_loop, 'new_schedule', False):
            take_schedule(runner, checkpoint, len(runner.train_loop.dataloader))
            runner.logger.info('new_schedule: ' + ('; '.join(changes) or 'nothing has changed'))
        elif changes:
            raise ValueError(
                f'the checkpoint to resume would overrule the config: {"; ".join(changes)}. Set '
                'them back, or take those of the config with --new-schedule '
                '(train_cfg.new_schedule=True)'
            )

    def _facts(self, runner: Runner) -> dict[str, Any]:
        loader = runner.train_loop.dataloader
        if self._known is None or self._known[0] is not loader:
            self._known = loader, data_facts(loader)
        return self._known[1]
