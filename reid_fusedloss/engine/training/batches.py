"""Batches of a training: divided among the processes, and drawn from the seed."""

from collections.abc import Mapping
from typing import Any

from mmengine.dist import get_rank

from .data_worker import start_worker


def images_of_an_identity(loader: Mapping[str, Any]) -> int:
    """K of a data loader's config, also where one batch sampler wraps another; 1 without it."""
    sampler = loader.get('batch_sampler')
    while isinstance(sampler, Mapping):
        if 'num_instances' in sampler:
            return sampler['num_instances']
        sampler = sampler.get('batch_sampler')
    return 1


def divided(loader: Mapping[str, Any], world_size: int) -> dict[str, Any]:
    """Config of a loader whose batch size, a total, is divided among the processes.

    Raises:
        ValueError: if a process would not get whole identities.
    """
    total, num_instances = loader['batch_size'], images_of_an_identity(loader)
    if total % (world_size * num_instances):
        raise ValueError(
            f'batch_size={total} in all does not split into {world_size} processes with '
            f'num_instances={num_instances} images of each identity: choose a multiple of '
            f'{world_size * num_instances}, or train_cfg.split_batch=False (--batch-per-process) '
            'to take it for each process'
        )
    return {**loader, 'batch_size': total // world_size}


def seeded(loader: dict, seed: int) -> dict:
    """Config of a loader whose batch sampler is wrapped in a `SeededBatchSampler`."""
    changed = dict(loader)
    wrapper: dict[str, Any] = dict(
        type='reid_fusedloss.SeededBatchSampler', batch_sampler=changed.get('batch_sampler')
    )
    if wrapper['batch_sampler'] is None and 'drop_last' in changed:
        wrapper['drop_last'] = changed.pop('drop_last')
    changed['batch_sampler'] = wrapper
    changed.setdefault(
        'worker_init_fn',
        dict(
            type=start_worker, num_workers=changed.get('num_workers', 0), rank=get_rank(), seed=seed
        ),
    )
    return changed
