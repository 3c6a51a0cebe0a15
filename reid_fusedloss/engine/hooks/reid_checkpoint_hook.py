"""Save checkpoints that stay intact when the process stops at any moment."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from ...checks import check_flag, check_int
from ...registry import HOOKS
from ..checkpoints import (
    BACKEND,
    INTERRUPTED,
    OUTDATED,
    POINTER,
    check_finite,
    gather_rank_buffers,
    keep_steps,
    outdated_names,
    own_best,
    own_path,
    own_rank_buffers,
    write_pointer,
)
from ..work_dir import claim_work_dir, release_work_dir


@HOOKS.register_module()
class ReIDCheckpointHook(CheckpointHook):
    """MMEngine's `CheckpointHook`, safe against stops.

    Files are written atomically, and an old file is removed after the new one exists. In the middle
    of an epoch (`by_epoch=False`) the batch-normalisation statistics of all ranks are saved.
    Weights and buffers that are not finite are not saved. A finished evaluation is recorded, so a
    resumed run does not repeat it. Only one training at a time writes to a work_dir, and only files
    in this run's own folder are removed, whatever a resumed checkpoint lists.

    Args:
        interval, by_epoch, max_keep_ckpts, save_best, rule, greater_keys, less_keys, save_last,
            save_begin, out_dir, filename_tmpl, published_keys: as in MMEngine's hook.
        backend_args: file backend to write to; None: the local disk, atomically.

    Raises:
        OSError (in training): if a file cannot be written; earlier files are kept.
        FloatingPointError (in training): if a weight or a buffer is not finite.
        ValueError (before training): if another training runs in the work_dir, or the checkpoint
            to resume has no optimizer state.
    """

    def __init__(
        self,
        interval: int = 1,
        by_epoch: bool = True,
        max_keep_ckpts: int = -1,
        save_best: str | list[str] | None = None,
        rule: str | list[str] | None = None,
        greater_keys: list[str] | None = None,
        less_keys: list[str] | None = None,
        save_last: bool = True,
        save_begin: int = 0,
        out_dir: str | None = None,
        filename_tmpl: str | None = None,
        published_keys: str | list[str] | None = None,
        backend_args: dict | None = None,
    ) -> None:
        check_int('interval', interval, least=-1)
        check_int('max_keep_ckpts', max_keep_ckpts, least=-1)
        check_int('save_begin', save_begin, least=0)
        check_flag('by_epoch', by_epoch)
        check_flag('save_last', save_last)
        super().__init__(
            interval=interval,
            by_epoch=by_epoch,
            max_keep_ckpts=max_keep_ckpts,
            save_best=save_best,
            rule=rule,
            greater_keys=greater_keys,
            less_keys=less_keys,
            save_last=save_last,
            save_begin=save_begin,
            out_dir=out_dir,
            filename_tmpl=filename_tmpl,
            published_keys=published_keys,
            backend_args=backend_args or dict(backend=BACKEND),
        )
        self._in_epoch: dict[str, list] = {}
        self._best_before: dict[str, str | None] = {}
        self._claimed: list[str] = []

    def before_train(self, runner: Runner) -> None:
        """Lock the folder, and take over this run's own files from a resumed checkpoint."""
        self._claim(runner.work_dir)
        info = runner.message_hub.runtime_info
        keep_steps(info)
        super().before_train(runner)
        if isinstance(self.file_backend, LocalBackend):
            self._claim(self.out_dir)
        self._adopt_best(runner)
        last = info.get('last_ckpt')
        self.last_ckpt = self._path(Path(last).name) if isinstance(last, str) else None
        if runner._resume and is_main_process():
            self._take_over(runner)

    def after_run(self, runner: Runner) -> None:
        """Release the folder."""
        while self._claimed:
            release_work_dir(self._claimed.pop())

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to resume without optimizer state, and restore this rank's own buffers."""
        if not runner._resume:
            return
        if 'optimizer' not in checkpoint:
            raise ValueError(
                f'the checkpoint to resume{f", {runner._load_from}," if runner._load_from else ""} '
                'has no optimizer state, like every best_*.pth: the schedule would start again. '
                'Resume from an epoch_*.pth, iter_*.pth or interrupted.pth, or start a training '
                'from its weights: set load_from and leave resume out'
            )
        checkpoint['state_dict'].update(own_rank_buffers(checkpoint))

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Record the evaluation as finished, then save the best checkpoint."""
        runner.message_hub.update_info('last_evaluated', runner.epoch)
        super().after_val_epoch(runner, metrics)

    def _save_checkpoint(self, runner: Runner) -> None:
        self._in_epoch = {} if self.by_epoch else gather_rank_buffers(runner.model)
        super()._save_checkpoint(runner)
        self._in_epoch = {}

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        """Save as MMEngine does, but write the pointer atomically, before old files are removed."""
        check_finite(runner.model, runner.iter)
        outdated = [self.filename_tmpl.format(old) for old in self._take_out_outdated(runner, step)]
        outdated += self._superseded()
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self._path(name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.message_hub.update_info(OUTDATED, outdated)  # in case of a kill before the removal
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta={**meta, **self._in_epoch},
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            write_pointer(runner.work_dir, self.last_ckpt)
            Path(runner.work_dir, INTERRUPTED).unlink(missing_ok=True)
            self._remove(outdated)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        """Save the best checkpoint before its predecessor is removed, unlike MMEngine."""
        if not self.save_best:
            return
        check_finite(runner.model, runner.iter)
        self._best_before = self._best()
        for key in self._best_before:
            self._set_best(key, None)
        super()._save_best_checkpoint(runner, metrics)
        superseded = self._superseded()
        for key, before in zip(self.key_indicators, self._best_before.values()):
            self._set_best(key, self._best()[key] or before)
        self._best_before = {}
        if is_main_process():
            self._remove(superseded)

    def _best(self) -> dict[str, str | None]:
        """Return the best checkpoint by each score; the key is 'auto' until there is a score."""
        if not self.save_best:
            return {}
        if len(self.key_indicators) == 1:
            return {self.key_indicators[0]: self.best_ckpt_path}
        return dict(self.best_ckpt_path_dict)

    def _set_best(self, key: str, path: str | None) -> None:
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = path
        else:
            self.best_ckpt_path_dict[key] = path

    def _superseded(self) -> list[str]:
        """Return the names of best checkpoints just superseded by a file of another name."""
        pairs = zip(self._best_before.values(), self._best().values())
        return [
            Path(before).name
            for before, now in pairs
            if before is not None and now not in (None, before)
        ]

    def _path(self, name: str) -> str:
        return self.file_backend.join_path(self.out_dir, name)

    def _remove(self, names: list[str]) -> None:
        for name in names:
            if self.file_backend.isfile(self._path(name)):
                self.file_backend.remove(self._path(name))

    def _claim(self, folder: str) -> None:
        if folder not in self._claimed:
            claim_work_dir(folder)
            self._claimed.append(folder)

    def _adopt_best(self, runner: Runner) -> None:
        """Take over the best checkpoints so far that are in this run's folder."""
        for key, best in self._best().items():
            own = own_best(best, self.out_dir, self.file_backend)
            self._set_best(key, own)
            name = 'best_ckpt' if len(self.key_indicators) == 1 else f'best_ckpt_{key}'
            if own is not None:
                runner.message_hub.update_info(name, own)
            elif best is not None:
                runner.message_hub.pop_info(name)
                runner.logger.info(
                    f'the best checkpoint so far, {best}, is not in {self.out_dir}: '
                    'it is kept, and this run saves its own'
                )

    def _take_over(self, runner: Runner) -> None:
        """Let `last_checkpoint` name the resumed file, and remove outdated files of a kill."""
        source = runner._load_from
        own = None if source is None else own_path(source, runner.work_dir, self.out_dir)
        if source is not None and own is None:  # the files in this folder belong to another run
            for name in (INTERRUPTED, POINTER):
                Path(runner.work_dir, name).unlink(missing_ok=True)
            return
        if own is not None:  # chosen by the user: later files are kept
            write_pointer(runner.work_dir, own)
        needed = (source, self.last_ckpt, *self._best().values())
        kept = {Path(path).name for path in needed if path}
        outdated = outdated_names(runner.message_hub.runtime_info, self.filename_tmpl)
        self._remove([name for name in outdated if name not in kept])

    def _take_out_outdated(self, runner: Runner, step: int) -> list[int]:
        """Append a step to the list of kept ones; return the steps that drop out of it.

        MMEngine would remove their files before the new one exists.
        """
        if self.max_keep_ckpts <= 0 or list(self.keep_ckpt_ids)[-1:] == [step]:
            return []
        full = len(self.keep_ckpt_ids) == self.max_keep_ckpts
        outdated = [self.keep_ckpt_ids.popleft()] if full else []
        self.keep_ckpt_ids.append(step)
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return outdated
