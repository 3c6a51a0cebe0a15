"""Log what is about to be trained, and check the model against its data."""

from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from ...datasets import PKBatchSampler, SeededBatchSampler
from ...datasets.joined import check_no_concatenation
from ...evaluation import ReIDMetric
from ...logs import log
from ...registry import HOOKS
from ..training.identities import check_teachers_identities
from ..unwrap import unwrap


@HOOKS.register_module()
class RunInfoHook(Hook):
    """Log batch, iterations, learning rate and loss terms, and check that head and data agree.

    A seed drawn by MMEngine (`randomness = dict(seed=None)`) is written to the dumped config.

    Raises (before training):
        ValueError: if the number of classes of the head is not that of the data set's identities,
            the model's predictions have no embedding for `ReIDMetric`, the data set is a
            `ConcatDataset`, a loss does not support the mixed targets of Mixup and CutMix, or the
            classes of a teacher whose logits are compared are other people.
    """

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_dataloader
        model = unwrap(runner.model)
        check_no_concatenation(loader.dataset)
        head: Any = getattr(model, 'head', None)
        num_ids = (getattr(loader.dataset, 'metainfo', None) or {}).get('num_ids')
        num_classes = getattr(head, 'num_classes', None)
        if None not in (num_ids, num_classes) and num_ids != num_classes:
            raise ValueError(
                f'the head has num_classes={num_classes}, but the training set has {num_ids} '
                f'identities: set model.head.num_classes={num_ids}, or None to count them'
            )
        check_teachers_identities(model, loader)
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


def check_embeddings(model: BaseModel, loop: BaseLoop) -> None:
    """Refuse a model without embeddings to evaluate, before it is trained.

    Heads of this package predict them; with another head the prediction for one image is checked.

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
        predictions = model.eval().val_step(pseudo_collate([loop.dataloader.dataset[0]]))
    model.train(was_training)
    if 'embedding' not in predictions[0]:
        kind = type(getattr(model, 'head', model)).__name__
        raise ValueError(
            f'ReIDMetric needs the field `embedding` in the predictions, which {kind} does not '
            "set: use a head of this package, such as type='reid_fusedloss.BNNeckHead', set the "
            'field in your head, or remove val_evaluator, val_dataloader and val_cfg'
        )


def prepare_batch_augments(model: nn.Module) -> None:
    """Check that the loss supports Mixup and CutMix, and give them the number of classes.

    Args:
        model: without wrappers; nothing is done unless its `data_preprocessor` mixes images.

    Raises:
        ValueError: if the loss cannot take mixed targets, or head and preprocessor have different
            numbers of classes.
    """
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    if getattr(preprocessor, 'batch_augments', None) is None:
        return
    head: Any = getattr(model, 'head', None)
    loss: Any = getattr(head, 'loss_module', None)
    if hasattr(loss, 'check_mixed_targets'):
        loss.check_mixed_targets()
    num_classes = getattr(head, 'num_classes', None)
    if preprocessor.num_classes is None and num_classes is not None:
        preprocessor.num_classes = num_classes
        log(f'batch augments: data_preprocessor.num_classes={num_classes}, as in the head')
    if num_classes not in (None, preprocessor.num_classes):
        raise ValueError(
            f'data_preprocessor.num_classes={preprocessor.num_classes}, but the head '
            f'has {num_classes}: leave data_preprocessor.num_classes out'
        )
