"""Evaluate, save and report one and the same model when weights are averaged (EMA)."""

import re
from collections.abc import Iterator

from mmengine.dist import all_reduce_params, is_distributed
from mmengine.evaluator import Evaluator
from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.model import ExponentialMovingAverage
from mmengine.runner import BaseLoop, Runner

from ...evaluation.embeddings import EmbeddingMetric
from ...registry import HOOKS
from ..testing import UNTESTED

ORIGIN = '_origin'
MUCH = 0.1  # of the first weights in the average at the end
LITTLE = 0.01


@HOOKS.register_module()
class AveragedModelHook(Hook):
    """Complete the EMAHook of MMEngine or mmpretrain.

    - On several processes the buffers of the averaged model are averaged over the processes
      whenever `SyncBuffersHook` averages the model's, so that the saved model is the evaluated one.
    - With `evaluate_on_origin=True` the files and figures of the second evaluation, of the model
      before averaging, end in `_origin`.
    - A training that starts from a checkpoint (`load_from`) averages from its own first step.
    - A momentum too small for the length of the training, which leaves the first weights in the
      average, gives a warning with a fitting one.

    With and without an EMAHook an evaluation begins with empty metrics: features of an aborted
    evaluation are dropped.

    Raises:
        ValueError: before a training, if the EMAHook would run after the checkpoint is saved, or
            evaluates only the original model, which is not the one in a checkpoint's `state_dict`;
            on loading, if a checkpoint of averaged weights is resumed without an EMAHook, or does
            not fill the averaged model of a test.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._synced = False

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to test an average with random weights, or to train on from averaged weights."""
        averaged = checkpoint.get('ema_state_dict')
        hooks = list(ema_hooks(runner))
        if averaged is None:
            if runner._resume and hooks:
                runner.logger.warning(
                    'the checkpoint to resume has no averaged weights: the EMAHook starts to '
                    'average here'
                )
            return
        refuse_lost_average(runner, checkpoint)
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
                    f'such as {missing[0]}: it belongs to another config'
                )

    def before_train(self, runner: Runner) -> None:
        """Check the EMAHook, and average from the first step unless the training is resumed."""
        kinds = [type(hook) for hook in runner.hooks]
        for hook in ema_hooks(runner):
            before = kinds[: runner.hooks.index(hook)]
            if any(issubclass(kind, CheckpointHook) for kind in before):
                raise ValueError(
                    f'{type(hook).__name__}(priority={hook.priority!r}) runs after '
                    'the checkpoint hook, which would save swapped weights: leave its '
                    'priority at NORMAL'
                )
            if not getattr(hook, 'evaluate_on_ema', True):
                raise ValueError(
                    'EMAHook(evaluate_on_ema=False) evaluates another model than the '
                    "checkpoint's state_dict, which is the average: leave it True; "
                    'evaluate_on_origin=True evaluates both'
                )
            if not runner._resume:
                hook.ema_model.steps.zero_()
            warn_of_first_weights(runner, hook)

    def after_train_epoch(self, runner: Runner) -> None:
        self._sync(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        """Clear the metrics; in the middle of an epoch average the buffers too."""
        _begin(runner.val_evaluator)
        if not self._synced:
            self._sync(runner)
        self._synced = False

    def before_test_epoch(self, runner: Runner) -> None:
        _begin(runner.test_evaluator)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._name_second(runner, runner.val_evaluator)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._name_second(runner, runner.test_evaluator)

    def _sync(self, runner: Runner) -> None:
        """Average the buffers of the averaged model over the processes."""
        if is_distributed():
            for hook in ema_hooks(runner):
                all_reduce_params(hook.ema_model.module.buffers(), op='mean')
            self._synced = True

    @staticmethod
    def _name_second(runner: Runner, evaluator: Evaluator) -> None:
        """Prepare the metrics for the second evaluation, if the EMAHook adds one."""
        if any(evaluates_twice(hook) for hook in ema_hooks(runner)):
            runner.logger.info(
                'evaluated the averaged model; next the model before averaging, whose '
                f'figures and files end in {ORIGIN}'
            )
            _begin(evaluator, ORIGIN)


def ema_hooks(runner: Runner) -> Iterator[EMAHook]:
    """Return the hooks of a run that average weights."""
    return (hook for hook in runner.hooks if isinstance(hook, EMAHook))


def evaluates_twice(hook: EMAHook) -> bool:
    """Return whether a hook evaluates the averaged model, then the original (mmpretrain)."""
    return getattr(hook, 'evaluate_on_ema', True) and getattr(hook, 'evaluate_on_origin', False)


def warn_of_first_weights(runner: Runner, hook: EMAHook) -> None:
    """Warn if much of the first weights is still in the exponential average at the end."""
    average = hook.ema_model
    if type(average) is not ExponentialMovingAverage or hook.begin_iter or hook.begin_epoch:
        return
    updates = (runner.max_iters - 1) // average.interval  # the average starts after the first step
    left = (1 - average.momentum) ** updates
    if updates and left > MUCH:
        runner.logger.warning(
            f'{type(hook).__name__}(momentum={average.momentum:g}): after the {updates} updates of '
            f'this training, {left:.0%} of the average are still the weights of its first step, '
            f'and the average is what is tested and saved: set momentum='
            f'{1 - LITTLE ** (1 / updates):.2g} or larger'
        )


def refuse_lost_average(runner: Runner, checkpoint: dict) -> None:
    """Refuse to resume a training without the EMAHook that it had.

    Raises:
        ValueError: if averaged weights would be taken for trained ones.
    """
    if runner._resume and 'ema_state_dict' in checkpoint and not list(ema_hooks(runner)):
        raise ValueError(
            'the checkpoint to resume is of a training with an EMAHook, whose state_dict is '
            'the average: add the EMAHook to custom_hooks, or start from the averaged '
            'weights (load_from without resume)'
        )


def _begin(evaluator: Evaluator, variant: str = '') -> None:
    for metric in evaluator.metrics:
        if isinstance(metric, EmbeddingMetric):
            metric.begin(variant)
