"""From a work list to features on the disk."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checks import check_int
from ..datasets.file_names import parse_names
from ..evaluation.embeddings_file import save_features
from ..interrupts import uninterrupted
from .extraction import Extraction, join_extractions
from .extractor import FeatureExtractor
from .feature_files import save_extraction
from .feature_folder import load_shards
from .feature_store import FeatureStore, group, hold_features
from .query_gallery import JUNK, label_names
from .work_list import VideoWorkList, WorkList

AnyWorkList = WorkList | VideoWorkList


@dataclass(frozen=True)
class Summary:
    """What an extraction did.

    Attributes:
        images: that have features now.
        unreadable: name -> reason, of those that have none.
        done: images that were read, or tried, in this run.
        seconds: that it took.
        feat_dims: C.
    """

    images: int
    unreadable: dict[str, str]
    done: int
    seconds: float
    feat_dims: int

    def __str__(self) -> str:
        first = ', '.join(list(self.unreadable)[:3]) + (', ...' if len(self.unreadable) > 3 else '')
        named = f' ({first})' if self.unreadable else ''
        rate = self.done / max(self.seconds, 1e-9)
        now = f'{self.done} done now, {rate:.1f} images/s' if self.done else 'nothing was missing'
        return (
            f'features of {self.images} images, of {self.feat_dims} dimensions; '
            f'{len(self.unreadable)} unreadable{named}; {now}'
        )


def extract_to_file(inferencer: FeatureExtractor, work: AnyWorkList, path: Path) -> Summary:
    """Write the features of all images to one .npz file, at the end, whole or not at all.

    Args:
        inferencer: makes the features; all are held in memory.
        work: the images.
        path: .npz file; one that exists is replaced.
    """
    start = time.monotonic()
    extraction = inferencer(work.sources(work.stamps))
    save_extraction(path, extraction)
    return _summary([extraction], start)


def extract_query_gallery(
    inferencer: FeatureExtractor, query: AnyWorkList, gallery: AnyWorkList, path: Path, pattern: str
) -> Summary:
    """Write the features of queries and gallery, with the labels of their names, to an .npz file.

    Args:
        inferencer: makes the features.
        query: the queries.
        gallery: what they are looked for in.
        path: file to write, for tools/evaluate_features.py; one that exists is replaced.
        pattern: see `label_names`.

    Raises:
        ValueError: if a name does not fit the pattern, or none of a role is left.
    """
    start = time.monotonic()
    for role, work in (('query', query), ('gallery', gallery)):  # before anything is computed
        if not parse_names(map(Path, work.stamps), pattern, JUNK):
            raise ValueError(
                f'{role}: none of {len(work.stamps)} images is of an identity, all '
                f'are junk ({", ".join(JUNK)}): there is nothing to evaluate'
            )
    parts = [inferencer(work.sources(work.stamps)) for work in (query, gallery)]
    save_features(path, label_names(*parts, pattern))
    return _summary(parts, start)


def extract_to_folder(
    inferencer: FeatureExtractor,
    work: AnyWorkList,
    folder: Path,
    shard_size: int = 4096,
    say: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Write the features of all images to a folder, shard by shard; what is there already is kept.

    Images whose file has another size or time of change than at their extraction, and new ones, are
    extracted; features of images that are no longer asked for are removed. What ends it early, such
    as Ctrl-C, is raised when the images that are done are on the disk.

    Args:
        inferencer: makes the features.
        work: the images.
        folder: made if it does not exist; see `FeatureStore`.
        shard_size: images of a shard, rounded up to whole batches.
        say: told what was found in the folder.

    Raises:
        TypeError, ValueError: as `hold_features` and `FeatureStore`, or for another shard size.
        RuntimeError: as `FeatureStore.finish`.
    """
    check_int('shard_size', shard_size)
    made_by, feat_dims = inferencer.fingerprint(), inferencer.feat_dims
    with hold_features(folder):
        store = FeatureStore(folder, made_by, work.inputs, feat_dims)
        changes = store.keep(work.stamps)
        missing = store.missing(work.stamps)
        if changes.damaged:
            say(f'damaged, extracted again: {", ".join(changes.damaged)}')
        if changes.kept or changes.modified or changes.removed:
            say(
                f'{folder} holds {changes.kept} of {len(work.stamps)} images; {changes.modified} '
                f'changed since, {changes.removed} no longer asked for; {len(missing)} to extract'
            )
        start = time.monotonic()
        if missing:
            for shard in group(inferencer.extract(work.sources(missing)), shard_size):
                with uninterrupted():
                    store.add(shard, work.stamps)
        seconds = time.monotonic() - start
        store.finish(work.stamps)
        images, unreadable = 0, {}
        for shard in load_shards(folder):
            images += len(shard)
            unreadable |= shard.unreadable
    return Summary(images, unreadable, len(missing), seconds, feat_dims)


def _summary(parts: Sequence[Extraction], start: float) -> Summary:
    whole = join_extractions(parts, parts[0].features.shape[1])
    return Summary(
        len(whole),
        whole.unreadable,
        len(whole) + len(whole.unreadable),
        time.monotonic() - start,
        whole.features.shape[1],
    )
