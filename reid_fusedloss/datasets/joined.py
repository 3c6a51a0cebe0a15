"""Several sources of one data set: equal identities must be the same people.

Data sets of different people are joined by `JointReIDDataset`.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import ConcatDataset

from ..logs import warn
from .file_names import ImageFile

SAME = 'same_identities=True'
JOINT = "type='reid_fusedloss.JointReIDDataset'"


def check_joined_sources(
    files: Sequence[ImageFile], parts: Sequence[Sequence[Path]], role: str
) -> None:
    """Reject sources of a role that share identities but no folder.

    Labels depend only on the identity, so two sets that use the same numbers for different people
    would be merged into one set of fewer people. List files of one folder, such as
    MSMT17's, share its people. If a glob covers several folders, the log says that their identities
    are joined.

    Args:
        files: images of the role with their identities.
        parts: paths of each source, before they were joined.
        role: how it is called in messages.

    Raises:
        ValueError: if an identity is in two sources and in no folder of both.
    """
    pids = {file.path: file.pid for file in files}
    places = [_folders_of_identities(part, pids) for part in parts]
    known: dict[str, set[str]] = {}
    for place in places:
        shared = {pid for pid in place.keys() & known.keys() if not place[pid] & known[pid]}
        if shared:
            first = min(shared)
            raise ValueError(
                f'{role}: {len(shared)} identities, {first!r} for one, are in '
                f'{min(known[first])} and in {min(place[first])}. If they are the same people, set '
                f'{SAME}; if not, make each a part of {JOINT}'
            )
        for pid, folders in place.items():
            known[pid] = known.get(pid, set()) | folders
    spread = sorted(pid for place in places for pid, folders in place.items() if len(folders) > 1)
    if spread:
        warn(
            f'{role}: {len(spread)} identities are in several folders, {spread[0]!r} in '
            f'{sorted(known[spread[0]])[:2]} for one, and count as the same people ({SAME} '
            'confirms it)'
        )


def check_no_concatenation(dataset: Any) -> None:
    """Reject training sets in a `ConcatDataset`: each of them has its own label 0.

    Args:
        dataset: a data set, or a wrapper around others as MMEngine has them.

    Raises:
        ValueError: if a `ConcatDataset` holds several sets that number their labels from 0.
    """
    for part in _wrapped(dataset):
        if not isinstance(part, ConcatDataset):
            continue
        labelled = [
            inner
            for inner in part.datasets
            if any(hasattr(each, 'get_gt_labels') for each in _wrapped(inner))
        ]
        if len(labelled) > 1 and all(
            'num_ids' in getattr(each, 'metainfo', {}) for each in labelled
        ):
            raise ValueError(
                f'ConcatDataset of {len(labelled)} training sets: each numbers its identities from '
                f'0, so different people would get one label: make each a part of {JOINT}, or, '
                f'if equal numbers are the same people, list their folders in the `sources` of '
                f'one data set ({SAME})'
            )


def _wrapped(dataset: Any) -> Iterator[Any]:
    """Yield a data set and all that it wraps."""
    yield dataset
    for part in [getattr(dataset, 'dataset', None), *(getattr(dataset, 'datasets', None) or ())]:
        if part is not None:
            yield from _wrapped(part)


def _folders_of_identities(paths: Sequence[Path], pids: Mapping[str, str]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        if str(path) in pids:
            found[pids[str(path)]].add(os.path.normpath(path.parent))
    return dict(found)
