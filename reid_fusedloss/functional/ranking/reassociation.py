"""Re-association of tracks: find again, after a gap, who was lost."""

from collections.abc import Sequence

import numpy as np

from ..distance import distance_blocks
from ..features import Features
from .labels import Labels, as_labels
from .options import check_integer
from .ranking_result import check_topk


def reassociation(
    features: Features,
    tracks: Labels,
    frames: Sequence[int] | np.ndarray,
    camids: Labels | None = None,
    *,
    gap: int,
    topk: Sequence[int] = (1, 5),
    distance: str = 'cosine',
) -> dict[str, float]:
    """Find each person again after a gap, only by appearance.

    A query is a detection at frame t. It is looked for in the first frame from t + gap on in which
    its camera sees the same track: all detections of that frame are ranked by their distance, equal
    ones by index. Detections of tracks that do not come back, or come back into a frame where they
    are alone, are not counted. MRR is the mean of 1 / rank.

    Args:
        features: of the detections, shape (N, C), of any norm.
        tracks: true identity of each, N integers or strings.
        frames: number of the frame of each, N integers.
        camids: camera or video of each, N integers or strings; None: there is one.
        gap: number of frames, at least 1.
        topk: ranks to report.
        distance: 'cosine' or 'euclidean'.

    Returns:
        'R<k>' and 'MRR' in percent, 'num_queries', and 'mean_candidates', the mean number of
        detections that a query is compared with.

    Raises:
        TypeError: if features are not of a floating-point type or labels neither int nor str.
        ValueError: if lengths differ, an option is out of range, a track is twice in a frame, or
            no track comes back after such a gap.
    """
    check_integer('gap', gap, 1)
    check_topk(topk)
    track, frame, camera = _detections(tracks, frames, camids, len(features))
    goal = _frames_of_return(track, frame, camera, gap)
    moments = np.unique(np.stack([camera, frame]), axis=1, return_inverse=True)[1]
    by_moment = np.argsort(moments, kind='stable')
    starts = np.searchsorted(moments, np.arange(moments.max() + 2), sorter=by_moment)
    queries_of: dict[int, list[int]] = {}
    for query in np.flatnonzero(goal >= 0).tolist():
        queries_of.setdefault(int(moments[goal[query]]), []).append(query)
    ranks, sizes = [], []
    for moment, queries in queries_of.items():
        there = by_moment[starts[moment] : starts[moment + 1]]
        if len(there) < 2:
            continue
        ranks.append(_ranks(features, queries, there, goal[queries], distance))
        sizes.append(np.full(len(queries), len(there)))
    if not ranks:
        raise ValueError(
            f'no track comes back after {gap} frames into a frame with others: lower gap, or check '
            'tracks and frames'
        )
    found = np.concatenate(ranks)
    return {
        **{f'R{k}': 100 * float(np.mean(found <= k)) for k in topk},
        'MRR': 100 * float(np.mean(1 / found)),
        'num_queries': float(len(found)),
        'mean_candidates': float(np.concatenate(sizes).mean()),
    }


def _detections(
    tracks: Labels, frames: Sequence[int] | np.ndarray, camids: Labels | None, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tracks, frames and cameras as integers, shape (N,) each; checked."""
    track = np.unique(as_labels(tracks, 'tracks'), return_inverse=True)[1]
    frame = as_labels(frames, 'frames')
    if frame.dtype.kind != 'i':
        raise TypeError(f'frames must be integers, got type {frame.dtype}')
    camera = np.zeros(number, dtype=np.int64)
    if camids is not None:
        camera = np.unique(as_labels(camids, 'camids'), return_inverse=True)[1]
    if not len(track) == len(frame) == len(camera) == number:
        raise ValueError(
            f'{number} features, but {len(track)} tracks, {len(frame)} frames and {len(camera)} '
            'camids'
        )
    keys, counts = np.unique(np.stack([camera, track, frame]), axis=1, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f'a track is {counts.max()} times in frame {keys[2, counts.argmax()]} of a camera: '
            'give each detection its own track'
        )
    return track, frame, camera


def _frames_of_return(
    track: np.ndarray, frame: np.ndarray, camera: np.ndarray, gap: int
) -> np.ndarray:
    """Of each detection the first one of its track and camera from `gap` frames on, -1: none."""
    order = np.lexsort((frame, track, camera))
    ends = np.flatnonzero(np.diff(camera[order], append=-1) | np.diff(track[order], append=-1)) + 1
    goal, begin = np.full(len(track), -1), 0
    for end in ends.tolist():
        own = order[begin:end]
        place = np.searchsorted(frame[own], frame[own] + gap)
        back = place < len(own)
        goal[own[back]] = own[place[back]]
        begin = end
    return goal


def _ranks(
    features: Features, queries: list[int], there: np.ndarray, goals: np.ndarray, distance: str
) -> np.ndarray:
    """Rank of each query's own detection among those that are there, which ascend."""
    block = np.concatenate(list(distance_blocks(features[queries], features[there], distance)))
    own = np.searchsorted(there, goals)[:, None]
    reach = np.take_along_axis(block, own, axis=1)
    nearer = (block < reach) | (block == reach) & (np.arange(len(there)) < own)
    ranks: np.ndarray = 1 + np.count_nonzero(nearer, axis=1)
    return ranks
