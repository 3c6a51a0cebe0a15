"""Build the head of a training once the number of identities of its data set is known."""

import gc
from typing import Any

import torch
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ..unwrap import unwrap
from .data_facts import data_facts


def count_identities(dataset: Dataset) -> int:
    """Return the number of identities of a training set.

    Raises:
        ValueError: if the data set does not state it.
    """
    metainfo = getattr(dataset, 'metainfo', None) or {}
    classes = metainfo.get('classes') or getattr(dataset, 'CLASSES', None)  # mmpretrain's sets
    number = metainfo.get('num_ids') or (len(classes) if classes else None)
    if number is None:
        raise ValueError(
            f'model.head.num_classes=None, but {type(dataset).__name__} does not say '
            'how many identities it has (metainfo `num_ids` or `classes`): set '
            'model.head.num_classes'
        )
    return number


def fill_head(runner: Runner, dataset: Dataset) -> None:
    """Replace a provisional head (`num_classes=None`) by one for the identities of a data set.

    It is initialised from the same random state as the provisional head, so that the training is
    the same as with the number in the config. Call this before the optimizer is built.

    Raises:
        ValueError: if the number is unknown, or the model was not built from the config.
    """
    model = unwrap(runner.model)
    head: Any = getattr(model, 'head', None)
    if getattr(head, 'num_classes', 0) is not None:
        return
    config = (runner.cfg.get('model') or {}).get('head')
    number = count_identities(dataset)
    if config is None:
        raise ValueError(
            'model.head.num_classes=None and no model.head in the config: build the '
            f'head with num_classes={number}'
        )
    if head.start_state is not None:
        torch.set_rng_state(head.start_state)
    scope = runner.cfg.model.get('_scope_')
    filled = MODELS.build(
        {**config, 'num_classes': number, **({} if scope is None else dict(_scope_=scope))}
    )
    model.head = filled.to(next(model.parameters()).device)
    check: Any = getattr(model, 'check_teacher', None)
    if check is not None:
        check()
    runner.logger.info(f'model.head.num_classes = {number}, the identities of the training set')
    if model is not runner.model:
        runner.model = None  # free the old wrapper first, which refers to the old weights
        gc.collect()
        runner.model = runner.wrap_model(runner.cfg.get('model_wrapper_cfg'), model)


def check_teachers_identities(model: nn.Module, loader: DataLoader) -> None:
    """Refuse a teacher whose classes are other people, where terms compare classes.

    Args:
        model: without wrappers; nothing is done unless it has a teacher whose checkpoint states
            what it was trained on.
        loader: of the training.

    Raises:
        ValueError: if the labels mean other people.
    """
    teacher: Any = getattr(model, 'teacher', None)
    known = None if teacher is None else teacher.trained_on.get('identities')
    head: Any = getattr(model, 'head', None)
    if known is None or not {'logits', 'cosines'} & set(head.loss_module.teacher_reads.values()):
        return
    here = data_facts(loader)['identities']
    if here not in (None, known):
        raise ValueError(
            f'the teacher {teacher.name} was trained on other identities, or on these in another '
            'order: its logits mean other people. Compare features or relations instead'
        )
