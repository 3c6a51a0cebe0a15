"""Tracks in a video: read from the names of their crops, and pooled to one feature each."""

import re
from collections.abc import Sequence

import numpy as np

from ..functional import pool_features
from .extraction import Extraction

CROP = re.compile(r'(?P<video>.*)#frame(?P<frame>\d+)/id(?P<track>\d+)', re.DOTALL)


def crop_tracks(names: Sequence[str]) -> tuple[list[str], list[int], list[int]]:
    """Video, frame and track of each crop, out of its name; see `video.video_crops`.

    Raises:
        ValueError: if one is no box of a track.
    """
    found = [CROP.fullmatch(name) for name in names]
    wrong = [name for name, match in zip(names, found) if match is None]
    if wrong:
        raise ValueError(
            f'{len(wrong)} of {len(names)} images are no boxes of tracks, {wrong[0]!r} for one: '
            'extract a video with --boxes of which each has an identity, once in a frame'
        )
    matches = [match for match in found if match is not None]
    return (
        [match['video'] for match in matches],
        [int(match['frame']) for match in matches],
        [int(match['track']) for match in matches],
    )


def pool_tracks(
    crops: Extraction,
    how: str = 'mean',
    k: int = 1,
    quality: Sequence[float] | np.ndarray | None = None,
) -> Extraction:
    """One feature for each track of `video_crops`, called `VIDEO#id3`.

    Args:
        crops: features of the boxes of tracks, such as `extractor(video_crops(video, boxes))`.
        how: 'mean', 'quality' or 'best' (of `k`), see `pool_features`.
        k: of 'best'.
        quality: of each crop, N numbers from 0, such as the detector's confidence,
            `boxes[crops.indices, 6]`; None: the norm of its feature, so extract with
            `normalize=False`.

    Returns:
        Features in the order of the tracks' first crops; `indices` is that crop's. What could not
        be read stays under its crop's name.

    Raises:
        ValueError: if a crop has no track, as `crop_tracks`, or as `pool_features`.
    """
    videos, _, tracks = crop_tracks(crops.names)
    pooled = pool_features(crops.features, videos, tracks, how=how, k=k, quality=quality)
    return Extraction(
        pooled.features.numpy(),
        [f'{videos[row]}#id{tracks[row]}' for row in pooled.first],
        crops.unreadable,
        [crops.indices[row] for row in pooled.first] if crops.indices else [],
    )
