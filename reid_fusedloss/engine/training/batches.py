"""Adapt a data loader's config: divide its batch among processes, and seed its batches."""

from collections.abc import Mapping
from typing import Any

from mmengine.dist import get_rank

from .data_worker import start_worker


def images_of_an_identity(loader: Mapping[str, Any]) -> int:
    """Return K of a data loader's config, also from a wrapped batch sampler; 1 if it has none."""
    sampler = loader.get('batch_sampler')
    while isinstance(sampler, Mapping):
        if 'num_instances' in sampler:
            return sampler['num_instances']
        sampler = sampler.get('batch_sampler')
    return 1


def divided(loader: Mapping[str, Any], world_size: int) -> dict[str, Any]:
    """Return the config of a loader with its batch size, a total, divided among the processes.

    Raises:
        ValueError: if a process would not get whole identities.
    """
    total, num_instances = loader['batch_size'], images_of_an_identity(loader)
    if total % (world_size * num_instances):
        raise ValueError(
            f'batch_size={total} in all cannot be divided among {world_size} processes with '
            f'num_instances={num_instances} images of each identity: choose a multiple of '
            f'{world_size * num_instances}, or train_cfg.split_batch=False (--batch-per-process) '
            'to use it for each process'
        )
    return {**loader, 'batch_size': total // world_size}


def seeded(loader: dict, seed: int) -> dict:
    """Return the config of a loader with its batch sampler wrapped in a `SeededBatchSampler`."""
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
