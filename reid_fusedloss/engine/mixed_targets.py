"""Mixup and CutMix of mmpretrain: what they need, and whether the loss can follow them."""

from mmengine.logging import print_log
from torch import nn


def prepare_batch_augments(model: nn.Module) -> None:
    """Check a model that mixes images, and tell its preprocessor the number of classes.

    Args:
        model: without wrappers; one whose `data_preprocessor` mixes nothing is left as it is.

    Raises:
        ValueError: if the loss cannot take mixed targets, or head and preprocessor have different
            numbers of classes.
    """
    preprocessor = getattr(model, 'data_preprocessor', None)
    if getattr(preprocessor, 'batch_augments', None) is None:
        return
    head = getattr(model, 'head', None)
    loss = getattr(head, 'loss_module', None)
    if hasattr(loss, 'check_mixed_targets'):
        loss.check_mixed_targets()
    num_classes = getattr(head, 'num_classes', None)
    if preprocessor.num_classes is None and num_classes is not None:
        preprocessor.num_classes = num_classes
        print_log(
            f'batch augments: data_preprocessor.num_classes={num_classes}, as the head has',
            logger='current',
        )
    if num_classes not in (None, preprocessor.num_classes):
        raise ValueError(
            f'data_preprocessor.num_classes={preprocessor.num_classes}, but the head '
            f'has {num_classes}: leave the first out'
        )
