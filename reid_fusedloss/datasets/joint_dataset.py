"""Several data sets as one, their people and cameras kept apart."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..logs import log
from ..registry import DATASETS
from .pipeline import Pipeline
from .reid_dataset import ReIDDataset

# what the joint data set decides for all parts
OF_ALL = ('split', 'pipeline', 'unreadable', 'serialize_data', 'max_refetch', 'cache_images')


@DATASETS.register_module()
class JointReIDDataset(ReIDDataset):
    """Several data sets as one: equal identities or cameras of two sets are different ones.

    A record is that of its part, with `dataset` (the part's name) and with `pid` and `camid` as
    text under that name, such as 'market1501/5'; `camid` stays None for a part without cameras.
    Training labels count through the parts, which are taken in the order of their names: a dumped
    config keeps no other. The metrics of this package evaluate each part by itself, with the labels
    of the part; see `evaluation.by_set`.

    Args:
        parts: name -> config of a data set of this package (`type` and what that takes), without
            the keys of `OF_ALL`: the images of all parts are read alike. At least two.
        split, pipeline, unreadable, cache_images: as in `ReIDDataset`, of all parts.
        max_ids: as in `ReIDDataset`, of each part that does not set it itself.

    Attributes:
        roots: name of a part -> its folder.

    Raises:
        TypeError: if a part is not a config of a data set of this package.
        ValueError: if there are fewer than two parts, a name is empty or has a slash, a part sets a
            key of all, has one identity to train on, or is given twice.
        OSError: as the parts.
    """

    # never read: each part has its own
    SOURCES = dict.fromkeys(('train', 'query', 'gallery'), '')
    PATTERN = '(?P<pid>.+)'

    def __init__(
        self,
        parts: Mapping[str, Mapping[str, Any]],
        split: str,
        pipeline: Pipeline = (),
        max_ids: int | None = None,
        unreadable: str = 'skip',
        cache_images: bool = False,
    ) -> None:
        check_configs(parts)
        self.parts = {name: dict(parts[name]) for name in sorted(parts)}
        self.roots: dict[str, str] = {}
        super().__init__(
            '', split, pipeline, max_ids=max_ids, unreadable=unreadable, cache_images=cache_images
        )

    def load_data_list(self) -> list[dict]:
        """Join the records of the parts."""
        joined: list[dict] = []
        sets: dict[str, dict[str, Any]] = {}
        for name, config in self.parts.items():
            part = self._build(name, config)
            self.roots[name] = part.data_root
            records = [part.get_data_info(number) for number in range(len(part))]
            sets[name] = dict(
                num_ids=part.metainfo['num_ids'],
                num_cams=part.metainfo['num_cams'],
                num_images=len(records),
                protocol=part.metainfo['protocol'],
                number_keys=[key for key in ('pid', 'camid') if isinstance(records[0][key], int)],
            )
            first_label = sum(facts['num_ids'] for facts in sets.values()) - sets[name]['num_ids']
            joined += [_renamed(record, name, first_label) for record in records]
        self._check_files(joined)
        self._metainfo.update(
            num_ids=sum(facts['num_ids'] for facts in sets.values()),
            num_cams=sum(facts['num_cams'] for facts in sets.values()),
            sets=sets,
        )
        if self.split == 'train':
            self._labels = np.array([record['gt_label'] for record in joined], dtype=np.int64)
        shown = ', '.join(
            f'{name} {facts["num_ids"]} / {facts["num_images"]}' for name, facts in sets.items()
        )
        log(
            f'{type(self).__name__} {self.split}: {self._metainfo["num_ids"]} identities, '
            f'{len(joined)} images of {len(sets)} sets (identities / images): {shown}'
        )
        return joined

    def _build(self, name: str, config: Mapping[str, Any]) -> ReIDDataset:
        limit = {} if self.max_ids is None else dict(max_ids=self.max_ids)
        try:
            part = DATASETS.build({**limit, **config, 'split': self.split})
        except (ValueError, TypeError, FileNotFoundError, PermissionError) as error:
            kinds = (TypeError, FileNotFoundError, PermissionError)
            kind = next((kind for kind in kinds if isinstance(error, kind)), ValueError)
            raise kind(f'parts.{name}: {error}') from error
        if not isinstance(part, ReIDDataset) or isinstance(part, JointReIDDataset):
            raise TypeError(
                f'parts.{name} must be a single data set of this package (a ReIDDataset), got '
                f'{type(part).__name__}'
            )
        return part

    def _check_files(self, records: list[dict]) -> None:
        """Reject a file that is in two parts: each of its people would count as two."""
        owners: dict[str, str] = {}
        for record in records:
            if 'img' in record:  # drawn in memory: the path names no file
                continue
            name, path = record['dataset'], os.path.abspath(record['img_path'])
            if owners.setdefault(path, name) != name:
                raise ValueError(
                    f'the parts {owners[path]!r} and {name!r} have images in common, {path} for '
                    'one: each person of them would be two; leave out one of the parts'
                )


def check_configs(parts: Any) -> None:
    """Check the configs of the parts before any file is read.

    Raises:
        TypeError, ValueError: as `JointReIDDataset`.
    """
    if not isinstance(parts, Mapping) or not all(
        isinstance(part, Mapping) and 'type' in part for part in parts.values()
    ):
        raise TypeError(f'parts must be dict(NAME=dict(type=..., ...), ...), got {parts!r}')
    if len(parts) < 2:
        raise ValueError(
            f'parts has {len(parts)} data set{"s" * (len(parts) != 1)}, {sorted(parts)}: give two '
            'or more, or take a single one without JointReIDDataset'
        )
    seen: dict[str, Mapping[str, Any]] = {}
    for name, part in parts.items():
        if not isinstance(name, str) or not name or '/' in name:
            raise ValueError(f"a name of parts must be text without '/', got {name!r}")
        for key in OF_ALL:
            if key in part:
                raise ValueError(
                    f'parts.{name}.{key}: the images of all parts are read alike; set {key} of '
                    'the joint data set'
                )
        twin = next((other for other, config in seen.items() if config == part), None)
        if twin is not None:
            raise ValueError(
                f'the parts {twin!r} and {name!r} are the same data set: each person would be two'
            )
        seen[name] = part


def _renamed(record: dict, name: str, first_label: int) -> dict:
    """Convert a record of a part to a record of the joint data set."""
    record = {**record, 'dataset': name, 'pid': f'{name}/{record["pid"]}'}
    del record['sample_idx']
    if record['camid'] is not None:
        record['camid'] = f'{name}/{record["camid"]}'
    if 'gt_label' in record:
        record['gt_label'] += first_label
    return record
