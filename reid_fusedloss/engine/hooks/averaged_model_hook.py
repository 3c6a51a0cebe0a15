"""Averaged weights: one model is evaluated, saved and reported."""

import re
from collections.abc import Iterator

from mmengine.dist import all_reduce_params, is_distributed
from mmengine.evaluator import Evaluator
from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.runner import BaseLoop, Runner

from ...evaluation.embeddings import EmbeddingMetric
from ...registry import HOOKS
from ..testing import UNTESTED

ORIGIN = '_origin'


@HOOKS.register_module()
class AveragedModelHook(Hook):
    """What an EMAHook, of MMEngine or of mmpretrain, leaves open.

    - On several processes the buffers of the averaged model are averaged over the processes
      wherever `SyncBuffersHook` does so with the model's, so that what is saved is what was
      evaluated.
    - With `evaluate_on_origin=True` the second evaluation, of the model before averaging, has
      names of its own: files and figures end in `_origin`.
    - A training that starts from a checkpoint (`load_from`) averages from its own first step.

    With and without an EMAHook an evaluation begins with empty metrics: features of one that broke
    off are forgotten.

    Raises:
        ValueError: before a training, if the EMAHook would run after the checkpoint is saved, or
            evaluates the original model alone, which is not the one in a checkpoint's `state_dict`;
            on loading, if a checkpoint of averaged weights is resumed without an EMAHook, or does
            not fill the averaged model of a test.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._synced = False

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse what would leave random weights in the average, or continue from it."""
        averaged = checkpoint.get('ema_state_dict')
        hooks = list(ema_hooks(runner))
        if averaged is None:
            if runner._resume and hooks:
                runner.logger.warning(
                    'the checkpoint to resume holds no averaged weights: the '
                    'EMAHook averages from here on'
                )
            return
        if runner._resume and not hooks:
            raise ValueError(
                'the checkpoint to resume is of a training with an EMAHook, whose state_dict is '
                'the average: put the EMAHook into custom_hooks, or start from the averaged '
                'weights (load_from without resume)'
            )
        if isinstance(runner._train_loop, BaseLoop):
            return
        for hook in hooks:
            missing = [
                name
                for name in hook.ema_model.state_dict()
                if name not in averaged and not re.match(UNTESTED, name.removeprefix('module.'))
            ]
            if missing:
                raise ValueError(
                    f'the checkpoint does not fill {len(missing)} averaged weights, '
                    f'{missing[0]} for one: it belongs to another config'
                )

    def before_train(self, runner: Runner) -> None:
        """Check the EMAHook; a training that is not resumed averages from its first step."""
        kinds = [type(hook) for hook in runner.hooks]
        for hook in ema_hooks(runner):
            before = kinds[: runner.hooks.index(hook)]
            if any(issubclass(kind, CheckpointHook) for kind in before):
                raise ValueError(
                    f'{type(hook).__name__}(priority={hook.priority!r}) comes after '
                    'the checkpoint hook, which would save swapped weights: leave its '
                    'priority at NORMAL'
                )
            if not getattr(hook, 'evaluate_on_ema', True):
                raise ValueError(
                    'EMAHook(evaluate_on_ema=False) evaluates another model than a '
                    "checkpoint's state_dict, which is the average: leave it True; "
                    'evaluate_on_origin=True evaluates both'
                )
            if not runner._resume:
                hook.ema_model.steps.zero_()

    def after_train_epoch(self, runner: Runner) -> None:
        """Average the buffers over the processes."""
        self._sync(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        """The same before an evaluation in the middle of an epoch."""
        _begin(runner.val_evaluator)
        if not self._synced:
            self._sync(runner)
        self._synced = False

    def before_test_epoch(self, runner: Runner) -> None:
        """A test begins with empty metrics, and with the averaged model."""
        _begin(runner.test_evaluator)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Name the evaluation that an EMAHook may add to the first."""
        self._name_second(runner, runner.val_evaluator)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """As `after_val_epoch`."""
        self._name_second(runner, runner.test_evaluator)

    def _sync(self, runner: Runner) -> None:
        if is_distributed():
            for hook in ema_hooks(runner):
                all_reduce_params(hook.ema_model.module.buffers(), op='mean')
            self._synced = True

    @staticmethod
    def _name_second(runner: Runner, evaluator: Evaluator) -> None:
        if any(evaluates_twice(hook) for hook in ema_hooks(runner)):
            runner.logger.info(
                'so far the averaged model; now the model before averaging, whose '
                f'figures and files end in {ORIGIN}'
            )
            _begin(evaluator, ORIGIN)


def ema_hooks(runner: Runner) -> Iterator[EMAHook]:
    """Hooks of a run that average weights."""
    return (hook for hook in runner.hooks if isinstance(hook, EMAHook))


def evaluates_twice(hook: EMAHook) -> bool:
    """Whether it evaluates the averaged model and then the original, as mmpretrain's may."""
    return getattr(hook, 'evaluate_on_ema', True) and getattr(hook, 'evaluate_on_origin', False)


def _begin(evaluator: Evaluator, variant: str = '') -> None:
    for metric in evaluator.metrics:
        if isinstance(metric, EmbeddingMetric):
            metric.begin(variant)
