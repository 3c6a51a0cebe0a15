"""Checkpoints that a stop at any moment leaves whole."""
from typing import Optional, Union

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from ...checks import check_flag, check_int
from ...registry import HOOKS
from ..checkpoints import BACKEND, gather_rank_buffers, own_rank_buffers
from ..unwrap import unwrap


@HOOKS.register_module()
class ReIDCheckpointHook(CheckpointHook):
    """MMEngine's `CheckpointHook`, safe against stops.

    A file is written whole or not at all, and an old one goes after the new one is there. In the
    middle of an epoch (`by_epoch=False`) the statistics of batch normalisation of all ranks are
    kept. Weights that are not finite are not saved. An evaluation that was finished is marked, so
    that a resumed run does not repeat it.

    Args:
        interval, by_epoch, max_keep_ckpts, save_best, rule, greater_keys, less_keys, save_last,
            save_begin, out_dir, filename_tmpl, published_keys: as in MMEngine's hook.
        backend_args: where files are written to; None: to the disk, whole.

    Raises:
        OSError (in training): if a file cannot be written; the ones before it are left.
        FloatingPointError (in training): if a weight is not finite.
    """

    def __init__(self, interval: int = 1, by_epoch: bool = True, max_keep_ckpts: int = -1,
                 save_best: Union[str, list[str], None] = None,
                 rule: Union[str, list[str], None] = None,
                 greater_keys: Optional[list[str]] = None,
                 less_keys: Optional[list[str]] = None, save_last: bool = True,
                 save_begin: int = 0, out_dir: Optional[str] = None,
                 filename_tmpl: Optional[str] = None,
                 published_keys: Union[str, list[str], None] = None,
                 backend_args: Optional[dict] = None) -> None:
        check_int('interval', interval, least=-1)
        check_int('max_keep_ckpts', max_keep_ckpts, least=-1)
        check_int('save_begin', save_begin, least=0)
        check_flag('by_epoch', by_epoch)
        check_flag('save_last', save_last)
        super().__init__(
            interval=interval, by_epoch=by_epoch, max_keep_ckpts=max_keep_ckpts,
            save_best=save_best, rule=rule, greater_keys=greater_keys, less_keys=less_keys,
            save_last=save_last, save_begin=save_begin,
            out_dir=out_dir, filename_tmpl=filename_tmpl, published_keys=published_keys,
            backend_args=backend_args or dict(backend=BACKEND))
        self._in_epoch: dict[str, list] = {}

    def before_train(self, runner: Runner) -> None:
        """Called by MMEngine when the training loop starts."""
        super().before_train(runner)
        self.last_ckpt = runner.message_hub.runtime_info.get('last_ckpt')

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Called by MMEngine after it has read the file."""
        if runner._resume:
            checkpoint['state_dict'].update(own_rank_buffers(checkpoint))

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Called by MMEngine after an evaluation."""
        runner.message_hub.update_info('last_evaluated', runner.epoch)
        super().after_val_epoch(runner, metrics)

    def _save_checkpoint(self, runner: Runner) -> None:
        self._in_epoch = {} if self.by_epoch else gather_rank_buffers(runner.model)
        super()._save_checkpoint(runner)
        self._in_epoch = {}

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        self._check_weights(runner)
        outdated = self._take_out_outdated(runner, step)
        super()._save_checkpoint_with_step(runner, step, {**meta, **self._in_epoch})
        if is_main_process():
            for old in outdated:
                path = self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(old))
                if self.file_backend.isfile(path):
                    self.file_backend.remove(path)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        before, self.best_ckpt_path = getattr(self, 'best_ckpt_path', None), None
        super()._save_best_checkpoint(runner, metrics)
        if self.best_ckpt_path is None:
            self.best_ckpt_path = before
        elif (before not in (None, self.best_ckpt_path) and is_main_process()
              and self.file_backend.isfile(before)):
            self.file_backend.remove(before)
            runner.logger.info(f'removed the best checkpoint before it, {before}')

    def _check_weights(self, runner: Runner) -> None:
        """On all ranks, so that none waits for one that has stopped."""
        model = unwrap(runner.model)
        wrong = [name for name, weight in model.named_parameters() if not weight.isfinite().all()]
        if wrong:
            raise FloatingPointError(
                f'weights are not finite at iteration {runner.iter}: {wrong[:5]} and, in all, '
                f'{len(wrong)}; they are not saved. Go on from the checkpoint before (--resume) '
                'with a lower learning rate')

    def _take_out_outdated(self, runner: Runner, step: int) -> list[int]:
        """Put a step at the end of the list of kept ones; those that leave it.

        MMEngine would remove their files now; it does not if the step is in the list already.
        """
        if self.max_keep_ckpts <= 0 or list(self.keep_ckpt_ids)[-1:] == [step]:
            return []
        full = len(self.keep_ckpt_ids) == self.max_keep_ckpts
        outdated = [self.keep_ckpt_ids.popleft()] if full else []
        self.keep_ckpt_ids.append(step)
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return outdated
