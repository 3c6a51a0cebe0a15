"""ReID data set: images of a folder, with labels from names, folders, tables or a function."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmpretrain.datasets import BaseDataset

from ..checks import check_choice, check_flag, check_int
from ..registry import DATASETS
from .counts import report_counts
from .draws import Draw, own_generators, seed_cpu
from .file_names import ImageFile, Label
from .image_cache import ImageCache, cached_images
from .image_files import check_root, is_glob
from .joined import check_joined_sources
from .labels import Labels, choose_labels, choose_sources, find_reader, training_paths
from .load_image import UnreadableImageError
from .pipeline import Pipeline, pipeline_steps
from .protocols import PROTOCOLS, protocol_name
from .records import keep_first_ids, to_records
from .repeated_files import check_test_roles, count_once, warn_of_training_images
from .stand_ins import stand_ins

UNREADABLE = ('skip', 'stop')
SPLIT_ROLES = {'train': ('train',), 'test': ('query', 'gallery')}


@DATASETS.register_module()
class ReIDDataset(BaseDataset):
    """Images with identities and cameras, in a train and a test split.

    A record is `{img_path, pid, camid, is_query}`, in training also `gt_label` in 0..num_ids-1
    (the place of the pid among the sorted pids), and `clothes` and `track` where the data has them:
    these tell apart the outfits and the tracklets of one identity. A label is int where all texts
    of the data set are numbers, str otherwise; `camid` is None for data without cameras. The test
    split is one data set, query first, with `is_query` telling the two apart.

    Args:
        data_root: folder of the data set.
        split: 'train' or 'test'.
        pipeline: transforms, as in MMEngine, or a mapping of named steps, so that a child config
            changes one by its name. Names and order are those of `pipeline.STEPS`; None leaves a
            step out.
        sources: role ('train', 'query', 'gallery') -> what the reader of `labels` reads, or a list
            of such; of labels in names: folder, glob or dict(folder=, list_file=), relative to
            `data_root`. None: the class's own. Sources of a role that share identities must share
            the folder, or say `same_identities`.
        pattern: regular expression on the base name with the groups `pid` and, optionally,
            `camid`, `clothes` and `track`: short for labels=dict(type='name', pattern=...).
        junk_pids: identities to drop, as written in the names.
        same_identities: whether equal identities of several sources of a role are the same people.
            False: sources of different folders that share an identity are an error, since two data
            sets that number their people alike would be merged.
        max_ids: keep only the first so many identities in sorted order, in testing those of the
            queries; images of others, distractors too, are left out. For trials on a small budget;
            figures on a part do not compare with figures on the whole. None: all.
        unreadable: what happens with a corrupt image in training. 'skip': it is replaced by the
            next image of its identity, or of the next identity if it has no other, so that a batch
            stays P x K; the sample's field `skipped` names the skipped files, which
            `SkippedImagesHook` logs. 'stop': an error that names the file, as always in testing.
        serialize_data: as in MMEngine.
        max_refetch: images to try before training stops.
        cache_images: whether to decode all images once, when the data set is built, and keep them
            in memory; see `image_cache.ImageCache`. Samples are the same to the bit.
        labels: where images and labels are read from: 'name', 'path', 'folder', 'csv' or 'json',
            the dotted path of a function, or a dict of one of these as `type` and its options; see
            `labels.find_reader`. None: names that fit `pattern`, or the class's own.
        protocol: rule by which the test split is evaluated, one of `PROTOCOLS` or
            dict(type=one, ...); `ReIDMetric` takes it where its config names none. Without cameras,
            only 'leave_one_out' and 'vehicleid' allow an image to be query and gallery. None: the
            class's own.

    Raises:
        FileNotFoundError: if a folder or a listed file is missing.
        PermissionError: if a folder may not be read.
        ValueError: if the split is unknown or empty, has one identity to train on, labels are
            missing or contradict each other, sources share identities, a query would find itself,
            an argument is out of range, or decoded images need more memory than is available.
        TypeError: if an argument has another type.
    """

    SOURCES: Mapping[str, Any] = {}
    PATTERN: str = ''
    LABELS: Labels | None = None
    COUNTS: Mapping[str, tuple[int, int]] = {}
    TRACKS: Mapping[str, int] = {}
    PROTOCOL: str | Mapping[str, Any] = 'same_camera'

    def __init__(
        self,
        data_root: str,
        split: str,
        pipeline: Pipeline = (),
        sources: Mapping[str, Any] | None = None,
        pattern: str | None = None,
        junk_pids: Sequence[str] = ('-1',),
        same_identities: bool = False,
        max_ids: int | None = None,
        unreadable: str = 'skip',
        serialize_data: bool = True,
        max_refetch: int = 1000,
        labels: Labels | None = None,
        protocol: str | Mapping[str, Any] | None = None,
        cache_images: bool = False,
    ) -> None:
        check_choice('split', split, SPLIT_ROLES)
        check_choice('unreadable', unreadable, UNREADABLE)
        check_flag('serialize_data', serialize_data)
        check_flag('same_identities', same_identities)
        check_flag('cache_images', cache_images)
        check_int('max_refetch', max_refetch)
        if max_ids is not None:
            check_int('max_ids', max_ids)
        self.unreadable = unreadable
        self.split = split
        self.max_ids = max_ids
        self.same_identities = same_identities
        self.junk_pids = _junk(junk_pids)
        self.protocol = self.PROTOCOL if protocol is None else protocol
        check_choice('protocol', protocol_name(self.protocol), PROTOCOLS)
        self.sources = choose_sources(sources, self.SOURCES, SPLIT_ROLES[split])
        self.labels = choose_labels(labels, pattern, type(self).LABELS, self.PATTERN)
        super().__init__(
            ann_file='',
            data_root=_folder(data_root),
            pipeline=pipeline_steps(pipeline),
            serialize_data=serialize_data,
            test_mode=split == 'test',
            max_refetch=max_refetch,
        )
        self._own_generators = own_generators(self.pipeline.transforms)
        self._cache: ImageCache | None = None
        if cache_images:
            records = [self.get_data_info(number) for number in range(len(self))]
            title = f'{type(self).__name__} {split}'
            self._cache = cached_images(records, self.pipeline.transforms, title)

    def load_data_list(self) -> list[dict]:
        """List, parse and label the images."""
        by_role = {role: self._parse_role(role) for role in SPLIT_ROLES[self.split]}
        for role, files in by_role.items():
            report_counts(
                f'{type(self).__name__} {role}', files, self.COUNTS.get(role), self.TRACKS.get(role)
            )
        if self.split == 'test':
            check_test_roles(by_role, protocol_name(self.protocol))
            warn_of_training_images(
                [file for part in by_role.values() for file in part],
                lambda: training_paths(Path(self.data_root), self.sources, self.labels),
            )
        records = to_records(by_role)
        cameras = {record['camid'] for record in records} - {None}
        if self.max_ids is not None:
            records = keep_first_ids(records, self.max_ids, self.split, type(self).__name__)
        num_ids = len({record['pid'] for record in records})
        if self.split == 'train' and num_ids == 1:
            raise ValueError(
                f'the only identity to train on in {self.data_root!r} is '
                f'{records[0]["pid"]!r}, and a loss compares several: check the '
                'labels and `max_ids`'
            )
        self._metainfo.update(num_ids=num_ids, num_cams=len(cameras), protocol=self.protocol)
        if self.split == 'train':
            self._label(records)
        return records

    def __getitem__(self, idx: int) -> Any:
        """Return a sample of the pipeline; a `Draw` of the training loop sets the random seed.

        Raises:
            UnreadableImageError: if its image is corrupt, in testing or with `unreadable='stop'`;
                else if `max_refetch` images in a row are.
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

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on a record, with its decoded image if that is in memory."""
        if self._cache is None:
            return super().prepare_data(idx)
        record = self.get_data_info(idx)
        image = self._cache.image(record['img_path'])
        if image is not None:
            record['img'] = image
        return self.pipeline(record)

    def get_gt_labels(self) -> np.ndarray:
        """Return the training labels of all images, shape (N,), int64, without reading records."""
        self.full_init()
        if self.split != 'train':
            raise ValueError('only the train split has labels; test identities are in `pid`')
        return self._labels

    def _parse_role(self, role: str) -> list[ImageFile]:
        name = type(self).__name__
        root = check_root(self.data_root, name)
        source = self.sources[role]
        read = find_reader(self.labels)
        sources = source if isinstance(source, (list, tuple)) and source else [source]
        parts = [read(root, part) for part in sources]
        files = sorted((file for part in parts for file in part), key=lambda file: Path(file.path))
        kept = [
            file for file in count_once(files, f'{name} {role}') if file.pid not in self.junk_pids
        ]
        if not kept:
            raise ValueError(f'{role} of {root} holds only junk identities {self.junk_pids}')
        if not self.same_identities and (len(parts) > 1 or is_glob(source)):
            paths = [[Path(file.path) for file in part] for part in parts]
            check_joined_sources(kept, paths, f'{name} {role}')
        return kept

    def _label(self, records: list[dict]) -> None:
        order: dict[Label, int] = {
            pid: label for label, pid in enumerate(sorted({record['pid'] for record in records}))
        }
        for record in records:
            record['gt_label'] = order[record['pid']]
        self._labels = np.array([record['gt_label'] for record in records], dtype=np.int64)


def _junk(pids: Any) -> tuple[str, ...]:
    if not isinstance(pids, (list, tuple)) or not all(isinstance(pid, str) for pid in pids):
        raise TypeError(
            'junk_pids must be a sequence of strings as written in the names, such as '
            f"('-1',), got {pids!r}"
        )
    return tuple(pids)


def _folder(data_root: Any) -> str:
    if not isinstance(data_root, (str, os.PathLike)):
        raise TypeError(f'data_root is the folder of the data set, got {data_root!r}')
    return os.path.expanduser(data_root)
