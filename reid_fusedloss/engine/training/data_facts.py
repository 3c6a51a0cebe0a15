"""Summarise the data of a training in a few numbers and digests, saved in its checkpoints."""

import os
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from numbers import Integral
from pathlib import Path, PurePath
from typing import Any

from mmengine.dist import get_world_size
from torch.utils.data import DataLoader, Dataset

from ...datasets import SeededBatchSampler

Facts = Mapping[str, Any]

# in the order in which differences are listed
TITLES = dict(
    epoch_length='iterations of an epoch',
    batch_size='images of a batch, of all processes',
    num_instances='images of an identity in a batch (K)',
    epoch_rule='epoch rule of the sampler',
    num_images='images',
    num_identities='identities',
    names='digest of file names and labels',
)
SAMPLED_FILES = 16


def data_facts(loader: DataLoader) -> dict[str, Any]:
    """Summarise batches, images and identities of a training's loader; None for unknown values.

    Returns:
        The keys of `TITLES` and two more digests: `identities` (label -> identity, as the file
        names call it) and `content` (the bytes of 16 files: two sets may name their files alike).
    """
    sampler = loader.batch_sampler
    if isinstance(sampler, SeededBatchSampler):
        sampler = sampler.batch_sampler
    batch_size = getattr(sampler, 'batch_size', None)
    records = _records(loader.dataset)
    labels = {label for label, _, _ in records}
    pids = sorted({(label, str(pid)) for label, pid, _ in records if pid is not None})
    root = getattr(loader.dataset, 'data_root', None)
    return dict(
        epoch_length=len(loader),
        batch_size=None if batch_size is None else batch_size * get_world_size(),
        num_instances=getattr(sampler, 'num_instances', None),
        epoch_rule=getattr(sampler, 'epoch_rule', None),
        num_images=len(loader.dataset) if hasattr(loader.dataset, '__len__') else None,
        num_identities=len(labels) if labels else None,
        names=_digest(sorted(f'{_name(path, root)}\n{label}' for label, _, path in records)),
        identities=_digest(f'{label}\n{pid}' for label, pid in pids),
        content=_content([path for _, _, path in records]),
    )


def differing(saved: Facts, here: Facts, keys: Iterable[str] = TITLES) -> list[str]:
    """List the differences with both values; values that either side does not know are skipped."""
    return [
        f'{TITLES.get(key, key)} {saved[key]} (here {here[key]})'
        for key in keys
        if None not in (saved.get(key), here.get(key)) and saved[key] != here[key]
    ]


def same_people(saved: Facts, here: Facts) -> bool | None:
    """Return whether the labels of two trainings mean the same people; None if unknown."""
    keys = ('names', 'identities', 'content')
    known = [key for key in keys if None not in (saved.get(key), here.get(key))]
    return all(saved[key] == here[key] for key in known) if known else None


def _records(dataset: Dataset) -> list[tuple[Any, Any, str]]:
    """Label, identity and path of each image; none for a data set that does not tell."""
    if not hasattr(dataset, 'get_data_info'):
        return []
    infos = (dataset.get_data_info(number) for number in range(len(dataset)))
    found = [
        (info['gt_label'], info.get('pid'), str(info.get('img_path', '')))
        for info in infos
        if isinstance(info.get('gt_label'), Integral)
    ]
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')  # of mmpretrain's data sets
    if classes:
        found = [
            (label, classes[label] if pid is None else pid, path) for label, pid, path in found
        ]
    return found


def _name(path: str, root: str | None) -> str:
    """Return the path below the data set's root, which may move; else folder and file name."""
    if root and path.startswith(os.path.join(root, '')):
        return PurePath(path[len(os.path.join(root, '')) :]).as_posix()
    return '/'.join(PurePath(path).parts[-2:])


def _content(paths: list[str]) -> str | None:
    paths = sorted(paths)
    chosen = [Path(path) for path in paths[:: max(len(paths) // SAMPLED_FILES, 1)][:SAMPLED_FILES]]
    hashed = blake2b(digest_size=8)
    found = [path for path in chosen if path.is_file()]
    for path in found:
        hashed.update(path.read_bytes())
    return hashed.hexdigest() if found else None


def _digest(lines: Iterable[str]) -> str | None:
    hashed, empty = blake2b(digest_size=8), True
    for line in lines:
        hashed.update(line.encode('utf-8', 'surrogateescape') + b'\0')
        empty = False
    return None if empty else hashed.hexdigest()
