"""ReID data set from folders and a file-name pattern."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpretrain.datasets import BaseDataset

from ..checks import check_choice, check_flag, check_int
from ..registry import DATASETS
from .draws import Draw, own_generators, seed_cpu
from .file_names import ImageFile, Label, compile_pattern, parse_names, to_labels
from .image_files import Source, check_root, is_glob, list_images
from .joined import check_joined_sources
from .load_image import UnreadableImageError
from .pipeline import Pipeline, pipeline_steps
from .repeated_files import check_test_roles, count_once, warn_of_training_images
from .stand_ins import stand_ins

UNREADABLE = ('skip', 'stop')
SPLIT_ROLES = {'train': ('train',), 'test': ('query', 'gallery')}


@DATASETS.register_module()
class ReIDDataset(BaseDataset):
    """Images in folders, identity and camera in their names.

    A record is `{img_path, pid, camid, is_query}`, in training also `gt_label` in 0..num_ids-1
    (the place of the pid among the sorted pids). `pid` and `camid` are int where all names of the
    data set hold numbers, str otherwise; `camid` is None for data without cameras. The test split
    is one data set, query first, with `is_query` telling the two apart.

    Args:
        data_root: folder of the data set.
        split: 'train' or 'test'.
        pipeline: transforms, as in MMEngine, or a mapping of named steps, so that a child config
            changes one by its name. Names and order are those of `pipeline.STEPS`; None leaves a
            step out.
        sources: role ('train', 'query', 'gallery') -> folder, glob, dict(folder=, list_file=) or a
            list of these, relative to `data_root`; None: the class's own. Sources of a role that
            share identities must share the folder, or say `same_identities`.
        pattern: regular expression on the base name with the groups `pid` and, optionally,
            `camid`, and no other named one; None: the class's own.
        junk_pids: identities to drop, as written in the names.
        same_identities: whether equal identities of several sources of a role are the same people.
            False: sources of different folders that share an identity are an error, since two data
            sets that number their people alike would be merged.
        max_ids: keep only the first so many identities in sorted order, in testing those of the
            queries; images of others, distractors too, are left out. For trials on a small budget;
            figures on a part do not compare with figures on the whole. None: all.
        unreadable: what a damaged image does in training. 'skip': the next image of its identity
            stands in, or of the next identity where it has none, so that a batch stays P x K; the
            sample's field `skipped` names what was passed over, and `SkippedImagesHook` logs it.
            'stop': an error that names the file, as always in testing.
        serialize_data: as in MMEngine.
        max_refetch: images to try before training stops.

    Raises:
        FileNotFoundError: if a folder or a listed file is missing.
        PermissionError: if a folder may not be read.
        ValueError: if the split is unknown or empty, has one identity to train on, a name does not
            fit the pattern, sources share identities, a query would find itself, or an argument is
            out of range.
        TypeError: if an argument has another type.
    """

    SOURCES: Mapping[str, Source] = {}
    PATTERN: str = ''
    COUNTS: Mapping[str, tuple[int, int]] = {}

    def __init__(
        self,
        data_root: str,
        split: str,
        pipeline: Pipeline = (),
        sources: Mapping[str, Source] | None = None,
        pattern: str | None = None,
        junk_pids: Sequence[str] = ('-1',),
        same_identities: bool = False,
        max_ids: int | None = None,
        unreadable: str = 'skip',
        serialize_data: bool = True,
        max_refetch: int = 1000,
    ) -> None:
        check_choice('split', split, SPLIT_ROLES)
        check_choice('unreadable', unreadable, UNREADABLE)
        check_flag('serialize_data', serialize_data)
        check_flag('same_identities', same_identities)
        check_int('max_refetch', max_refetch)
        if max_ids is not None:
            check_int('max_ids', max_ids)
        if not isinstance(junk_pids, (list, tuple)) or not all(
            isinstance(pid, str) for pid in junk_pids
        ):
            raise TypeError(
                'junk_pids is a sequence of strings as they stand in the names, such as '
                f"('-1',), got {junk_pids!r}"
            )
        if sources is not None and not isinstance(sources, Mapping):
            raise TypeError(f'sources is a dict(train=, query=, gallery=), got {sources!r}')
        self.unreadable = unreadable
        self.split = split
        self.max_ids = max_ids
        self.same_identities = same_identities
        self.sources = dict(self.SOURCES if sources is None else sources)
        self.pattern = self.PATTERN if pattern is None else pattern
        self.junk_pids = tuple(junk_pids)
        missing = [role for role in SPLIT_ROLES[split] if role not in self.sources]
        if missing or not self.pattern:
            raise ValueError(
                f'{type(self).__name__} needs `pattern` and `sources` for '
                f'{SPLIT_ROLES[split]}, missing: {missing or "pattern"}'
            )
        compile_pattern(self.pattern)
        super().__init__(
            ann_file='',
            data_root=_folder(data_root),
            pipeline=pipeline_steps(pipeline),
            serialize_data=serialize_data,
            test_mode=split == 'test',
            max_refetch=max_refetch,
        )
        self._own_generators = own_generators(self.pipeline.transforms)

    def load_data_list(self) -> list[dict]:
        """List, parse and label the images; called by MMEngine."""
        by_role = {role: self._parse_role(role) for role in SPLIT_ROLES[self.split]}
        self._report_counts(by_role)
        files = [file for role in by_role.values() for file in role]
        if self.split == 'test':
            check_test_roles(by_role)
            warn_of_training_images(Path(self.data_root), self.sources, files)
        pids = to_labels(file.pid for file in files)
        camids = to_labels(file.camid for file in files if file.camid is not None)
        records = [
            dict(
                img_path=file.path,
                pid=pids[file.pid],
                camid=camids.get(file.camid),
                is_query=role == 'query',
            )
            for role, part in by_role.items()
            for file in part
        ]
        if self.max_ids is not None:
            records = self._keep_first_ids(records)
        num_ids = len({record['pid'] for record in records})
        if self.split == 'train' and num_ids == 1:
            raise ValueError(
                f'the only identity to train on in {self.data_root!r} is '
                f'{records[0]["pid"]!r}, and a loss compares several: check `pattern` '
                'and `max_ids`'
            )
        self._metainfo.update(num_ids=num_ids, num_cams=len(camids))
        if self.split == 'train':
            self._label(records)
        return records

    def __getitem__(self, idx: int) -> Any:
        """A sample of the pipeline; a `Draw` of a training loop brings its random numbers.

        Raises:
            UnreadableImageError: if its image is damaged, in testing or with `unreadable='stop'`;
                else if so many as `max_refetch` in a row are.
        """
        if isinstance(idx, Draw):
            seed_cpu(idx.seed)
            for part in self._own_generators:
                part.set_random_seed(idx.seed)
            idx = int(idx)
        if self.split == 'test' or self.unreadable == 'stop':
            return super().__getitem__(idx)
        skipped: list[str] = []
        for other in stand_ins(self.get_gt_labels(), idx, self.max_refetch):
            try:
                sample = super().__getitem__(other)
            except UnreadableImageError as error:
                skipped.append(self.get_data_info(other)['img_path'])
                last = error
            else:
                if skipped and 'data_samples' in sample:
                    sample['data_samples'].set_field(skipped, 'skipped')
                return sample
        raise UnreadableImageError(
            f'{len(skipped)} images in a row cannot be decoded, the last: {last}'
        ) from last

    def get_gt_labels(self) -> np.ndarray:
        """Training labels of all images, shape (N,), int64, without reading N records."""
        self.full_init()
        if self.split != 'train':
            raise ValueError('only the train split has labels; test identities are in `pid`')
        return self._labels

    def _parse_role(self, role: str) -> list[ImageFile]:
        name = type(self).__name__
        root = check_root(self.data_root, name)
        source = self.sources[role]
        parts = [
            list_images(root, part)
            for part in (source if isinstance(source, (list, tuple)) and source else [source])
        ]
        paths = count_once(sorted(path for part in parts for path in part), f'{name} {role}')
        files = parse_names(paths, self.pattern, self.junk_pids)
        if not files:
            raise ValueError(f'{role} of {root} holds only junk identities {self.junk_pids}')
        if not self.same_identities and (len(parts) > 1 or is_glob(source)):
            check_joined_sources(files, parts, f'{name} {role}')
        return files

    def _keep_first_ids(self, records: list[dict]) -> list[dict]:
        asked = {record['pid'] for record in records if record['is_query'] or self.split == 'train'}
        kept = set(sorted(asked)[: self.max_ids])
        part = [record for record in records if record['pid'] in kept]
        print_log(
            f'{type(self).__name__} {self.split}: max_ids={self.max_ids} keeps {len(kept)} of '
            f'{len(asked)} identities, {len(part)} of {len(records)} images',
            logger='current',
        )
        return part

    def _label(self, records: list[dict]) -> None:
        order: dict[Label, int] = {
            pid: label for label, pid in enumerate(sorted({record['pid'] for record in records}))
        }
        for record in records:
            record['gt_label'] = order[record['pid']]
        self._labels = np.array([record['gt_label'] for record in records], dtype=np.int64)

    def _report_counts(self, by_role: Mapping[str, list[ImageFile]]) -> None:
        for role, files in by_role.items():
            found = (len({file.pid for file in files}), len(files))
            cameras = len({file.camid for file in files} - {None})
            print_log(
                f'{type(self).__name__} {role}: {found[0]} identities, {found[1]} images, '
                f'{cameras or "no"} camera{"s" * (cameras != 1)}',
                logger='current',
            )
            published = self.COUNTS.get(role)
            if published not in (None, found):
                print_log(
                    f'{type(self).__name__} {role}: found {found[0]} identities / {found[1]} '
                    f'images, published are {published[0]} / {published[1]}; figures will not '
                    'compare with published ones',
                    logger='current',
                    level=logging.WARNING,
                )


def _folder(data_root: Any) -> str:
    if not isinstance(data_root, (str, os.PathLike)):
        raise TypeError(f'data_root is the folder of the data set, got {data_root!r}')
    return os.path.expanduser(data_root)
