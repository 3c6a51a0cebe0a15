"""What is about to be trained, in the log before the first step."""

import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from ...datasets import PKBatchSampler, SeededBatchSampler
from ...datasets.joined import check_no_concatenation
from ...evaluation import ReIDMetric
from ...registry import HOOKS
from ..mixed_targets import prepare_batch_augments
from ..unwrap import unwrap


@HOOKS.register_module()
class RunInfoHook(Hook):
    """Log batch, iterations, learning rate and loss terms, and check that head and data agree.

    A seed that MMEngine has drawn (`randomness = dict(seed=None)`) goes into the dumped config.

    Raises (before training):
        ValueError: if the head has another number of classes than the data set has identities, the
            model gives nothing that `ReIDMetric` could rank, the data set is several in a
            `ConcatDataset`, or a loss has no use for the targets that Mixup and CutMix make.
    """

    def before_train(self, runner: Runner) -> None:
        """Called by MMEngine when the training loop starts."""
        loader = runner.train_dataloader
        model = unwrap(runner.model)
        check_no_concatenation(loader.dataset)
        head = getattr(model, 'head', None)
        num_ids = (getattr(loader.dataset, 'metainfo', None) or {}).get('num_ids')
        num_classes = getattr(head, 'num_classes', None)
        if None not in (num_ids, num_classes) and num_ids != num_classes:
            raise ValueError(
                f'the head has num_classes={num_classes}, the training set has {num_ids} '
                'identities: set model.head.num_classes to that, or to None to have it counted'
            )
        if runner.val_loop is not None:
            check_embeddings(model, runner.val_loop)
        prepare_batch_augments(model)
        if runner.cfg.get('randomness', {}).get('seed') is None:  # drawn by MMEngine
            runner.cfg.merge_from_dict({'randomness.seed': runner.seed})
            runner.dump_config()
        rates = next(iter(runner.optim_wrapper.get_lr().values()))
        epochs = runner.max_epochs
        length = f'{epochs} epochs' if epochs else f'{runner.max_iters} in all'
        runner.logger.info(
            f'{self._batch(loader)}; {len(loader)} iterations an epoch, {length}; '
            f'lr {rates[0]:g} at the start; seed {runner.seed}'
        )
        if hasattr(head, 'loss_module'):
            runner.logger.info(f'loss: {head.loss_module}')

    @staticmethod
    def _batch(loader: DataLoader) -> str:
        world_size = get_world_size()
        sampler = loader.batch_sampler
        if isinstance(sampler, SeededBatchSampler):
            sampler = sampler.batch_sampler
        size = getattr(sampler, 'batch_size', None)
        if size is None:
            return f'batches of {type(sampler).__name__}'
        text = f'{size} images a process, {size * world_size} in all on {world_size} process(es)'
        if isinstance(sampler, PKBatchSampler):
            text = (
                f'PK batches: P={sampler.num_ids} identities x K={sampler.num_instances} images '
                f'= {text}; epoch rule {sampler.epoch_rule!r}'
            )
        return text


def check_embeddings(model: nn.Module, loop: BaseLoop) -> None:
    """Refuse a model that gives no embeddings to evaluate, before it is trained.

    A head of this package gives them; of another one, the answer to a single image is looked at.

    Raises:
        ValueError: if `ReIDMetric` would have nothing to rank.
    """
    metrics = getattr(getattr(loop, 'evaluator', None), 'metrics', ())
    if hasattr(getattr(model, 'head', None), 'embeddings') or not any(
        isinstance(metric, ReIDMetric) for metric in metrics
    ):
        return
    was_training = model.training
    with torch.no_grad():
        answer = model.eval().val_step(pseudo_collate([loop.dataloader.dataset[0]]))
    model.train(was_training)
    if 'embedding' not in answer[0]:
        kind = type(getattr(model, 'head', model)).__name__
        raise ValueError(
            f'ReIDMetric ranks the field `embedding` of the predictions, which {kind} does not '
            "give: use a head of this package, such as type='reid_fusedloss.BNNeckHead', let your "
            'head set the field, or take out val_evaluator, val_dataloader and val_cfg'
        )
