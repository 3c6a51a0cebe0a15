"""Extract the features of a work list and write them to disk."""

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
from .labels import JUNK, label_names
from .work_list import VideoWorkList, WorkList

AnyWorkList = WorkList | VideoWorkList


@dataclass(frozen=True)
class Summary:
    """Result of an extraction.

    Attributes:
        images: number of images that have features now.
        unreadable: name -> reason, of the images that have none.
        done: number of images that were read, or tried, in this run.
        seconds: duration of this run.
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
    """Write the features of all images to one .npz file, atomically at the end.

    Args:
        inferencer: computes the features; all are held in memory.
        work: the images.
        path: .npz file; an existing one is replaced.
    """
    start = time.monotonic()
    extraction = inferencer(work.sources(work.stamps))
    save_extraction(path, extraction)
    return _summary([extraction], start)


def extract_query_gallery(
    inferencer: FeatureExtractor, query: AnyWorkList, gallery: AnyWorkList, path: Path, pattern: str
) -> Summary:
    """Write the features of queries and gallery, with labels from their names, to an .npz file.

    Args:
        inferencer: computes the features.
        query: the queries.
        gallery: the gallery.
        path: file to write, for tools/evaluate_features.py; an existing one is replaced.
        pattern: see `label_names`.

    Raises:
        ValueError: if a name does not match the pattern, or all queries or all gallery images are
            junk.
    """
    start = time.monotonic()
    for role, work in (('query', query), ('gallery', gallery)):  # before anything is computed
        if not parse_names(map(Path, work.stamps), pattern, JUNK):
            raise ValueError(
                f'{role}: all of the {len(work.stamps)} images are junk ({", ".join(JUNK)}), so '
                'there is nothing to evaluate: give images with identities in their names'
            )
    parts = [inferencer(work.sources(work.stamps)) for work in (query, gallery)]
    save_features(path, label_names(parts[0], parts[1], pattern))
    return _summary(parts, start)


def extract_to_folder(
    inferencer: FeatureExtractor,
    work: AnyWorkList,
    folder: Path,
    shard_size: int = 4096,
    say: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Write the features of all images to a folder, shard by shard, and keep those already there.

    New images, and those whose file has changed in size or modification time since their
    extraction, are extracted; features of images that are not in the work list are removed. An
    interruption such as Ctrl-C is raised once the finished images are on disk.

    Args:
        inferencer: computes the features.
        work: the images.
        folder: created if it does not exist; see `FeatureStore`.
        shard_size: images per shard, rounded up to whole batches.
        say: called with a line on what the folder already held.

    Raises:
        TypeError, ValueError: as `hold_features` and `FeatureStore`, or if `shard_size` is not a
            positive integer.
        RuntimeError: as `FeatureStore.finish`.
    """
    check_int('shard_size', shard_size)
    made_by, feat_dims = inferencer.fingerprint(), inferencer.feat_dims
    with hold_features(folder):
        store = FeatureStore(folder, made_by, work.inputs, feat_dims)
        changes = store.keep(work.stamps)
        missing = store.missing(work.stamps)
        if changes.damaged:
            say(f'corrupt, extracted again: {", ".join(changes.damaged)}')
        if changes.kept or changes.modified or changes.removed:
            say(
                f'{folder} has {changes.kept} of {len(work.stamps)} images; {changes.modified} '
                f'changed since, {changes.removed} no longer listed; {len(missing)} to extract'
            )
        start = time.monotonic()
        if missing:
            for shard in group(inferencer.extract(work.sources(missing)), shard_size):
                with uninterrupted():
                    store.add(shard, work.stamps)
        seconds = time.monotonic() - start
        store.finish(work.stamps)
        images = 0
        unreadable: dict[str, str] = {}
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
