"""Summarise the data of a training in a few numbers and digests, saved in its checkpoints."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from numbers import Integral
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from mmengine.dist import get_world_size
from torch.utils.data import DataLoader

from ...datasets import SeededBatchSampler

Facts = Mapping[str, Any]

# in the order in which differences are listed
TITLES = dict(
    epoch_length='iterations of an epoch',
    batch_size='images of a batch, of all processes',
    num_instances='images of an identity in a batch (K)',
    epoch_rule='epoch rule of the sampler',
    shares='shares of the data sets',
    batches='batches of the data sets',
    sets='identities and images of the data sets',
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
        Those of several sets (`shares`, `batches`, `sets`) are None for a single one.
    """
    sampler = loader.batch_sampler
    if isinstance(sampler, SeededBatchSampler):
        sampler = sampler.batch_sampler
    batch_size = getattr(sampler, 'batch_size', None)
    records = _records(loader.dataset)
    labels = {record.label for record in records}
    pids = sorted({(record.label, str(record.pid)) for record in records if record.pid is not None})
    sets = (getattr(loader.dataset, 'metainfo', None) or {}).get('sets')
    return dict(
        epoch_length=len(loader),
        batch_size=None if batch_size is None else batch_size * get_world_size(),
        num_instances=getattr(sampler, 'num_instances', None),
        epoch_rule=getattr(sampler, 'epoch_rule', None),
        shares=str(getattr(sampler, 'shares', None)) if sets else None,
        batches=getattr(sampler, 'batches', None) if sets else None,
        sets=sets
        and {name: f'{each["num_ids"]} / {each["num_images"]}' for name, each in sets.items()},
        num_images=len(loader.dataset) if hasattr(loader.dataset, '__len__') else None,
        num_identities=len(labels) if labels else None,
        names=_digest(sorted(f'{record.name}\n{record.label}' for record in records)),
        identities=_digest(f'{label}\n{pid}' for label, pid in pids),
        content=_content(records),
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


class _Record(NamedTuple):
    """An image: its label and identity, and its name in its data set, wherever that lies."""

    label: Any
    pid: Any
    path: str
    name: str
    dataset: str


def _records(dataset: Any) -> list[_Record]:
    """What is known of each image; nothing of a data set that does not tell."""
    if not hasattr(dataset, 'get_data_info'):
        return []
    infos = (dataset.get_data_info(number) for number in range(len(dataset)))
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')  # of mmpretrain's data sets
    roots, root = getattr(dataset, 'roots', {}), getattr(dataset, 'data_root', None)
    found = []
    for info in infos:
        label, pid, part = info.get('gt_label'), info.get('pid'), info.get('dataset')
        if not isinstance(label, Integral):
            continue
        if classes and pid is None:
            pid = classes[label]
        path = str(info.get('img_path', ''))
        name = _name(path, root) if part is None else f'{part}/{_name(path, roots.get(part))}'
        found.append(_Record(label, pid, path, name, part or ''))
    return found


def _name(path: str, root: str | None) -> str:
    """Return the path below the data set's root, which may move; else folder and file name."""
    if root and path.startswith(os.path.join(root, '')):
        return PurePath(path[len(os.path.join(root, '')) :]).as_posix()
    return '/'.join(PurePath(path).parts[-2:])


def _content(records: list[_Record]) -> str | None:
    """Digest of the bytes of some files of each data set."""
    by_set: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        by_set[record.dataset].append(record.path)
    hashed, found = blake2b(digest_size=8), False
    for name in sorted(by_set):
        paths = sorted(by_set[name])
        step = max(len(paths) // SAMPLED_FILES, 1)
        for path in map(Path, paths[::step][:SAMPLED_FILES]):
            if path.is_file():
                hashed.update(path.read_bytes())
                found = True
    return hashed.hexdigest() if found else None


def _digest(lines: Iterable[str]) -> str | None:
    hashed, empty = blake2b(digest_size=8), True
    for line in lines:
        hashed.update(line.encode('utf-8', 'surrogateescape') + b'\0')
        empty = False
    return None if empty else hashed.hexdigest()
