"""What is about to be trained, in the log before the first step."""
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from ...datasets import PKBatchSampler, SeededBatchSampler
from ...datasets.joined import check_no_concatenation
from ...registry import HOOKS
from ..mixed_targets import prepare_batch_augments
from ..unwrap import unwrap


@HOOKS.register_module()
class RunInfoHook(Hook):
    """Log batch, iterations, learning rate and loss terms, and check that head and data agree.

    A seed that MMEngine has drawn (`randomness = dict(seed=None)`) goes into the dumped config.

    Raises (before training):
        ValueError: if the head has another number of classes than the data set has identities,
            the data set is several in a `ConcatDataset`, or a loss has no use for the targets that
            Mixup and CutMix make.
    """

    def before_train(self, runner: Runner) -> None:
        """Called by MMEngine when the training loop starts."""
        loader = runner.train_dataloader
        model = unwrap(runner.model)
        check_no_concatenation(loader.dataset)
        num_ids = loader.dataset.metainfo.get('num_ids')
        num_classes = getattr(model.head, 'num_classes', None)
        if None not in (num_ids, num_classes) and num_ids != num_classes:
            raise ValueError(
                f'the head has num_classes={num_classes}, the training set has {num_ids} '
                'identities: set model.head.num_classes to that, or None for tools/train.py to '
                'fill it in')
        prepare_batch_augments(model)
        if runner.cfg.get('randomness', {}).get('seed') is None:  # drawn by MMEngine
            runner.cfg.merge_from_dict({'randomness.seed': runner.seed})
            runner.dump_config()
        lr = runner.optim_wrapper.get_lr()
        runner.logger.info(
            f'{self._batch(loader)}; {len(loader)} iterations an epoch, {runner.max_epochs} epochs; '
            f'lr {next(iter(lr.values()))[0]:g} at the start; seed {runner.seed}')
        runner.logger.info(f'loss: {model.head.loss_module}')

    @staticmethod
    def _batch(loader: DataLoader) -> str:
        world_size = get_world_size()
        sampler = loader.batch_sampler
        if isinstance(sampler, SeededBatchSampler):
            sampler = sampler.batch_sampler
        size = sampler.batch_size
        text = f'{size} images a process, {size * world_size} in all on {world_size} process(es)'
        if isinstance(sampler, PKBatchSampler):
            text = (f'PK batches: P={sampler.num_ids} identities x K={sampler.num_instances} images '
                    f'= {text}; epoch rule {sampler.epoch_rule!r}')
        return text
