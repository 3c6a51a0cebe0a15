"""Log the counts of a data set and compare them with the published ones."""

from collections.abc import Sequence

from ..logs import log, warn
from .file_names import ImageFile


def report_counts(
    name: str,
    files: Sequence[ImageFile],
    published: tuple[int, int] | None = None,
    published_tracks: int | None = None,
) -> None:
    """Log the counts of a role, with a warning where they differ from the published ones.

    Args:
        name: of the data set and the role.
        files: images of the role.
        published: numbers of identities and images; None: unknown.
        published_tracks: number of tracks; None: unknown.
    """
    found = (len({file.pid for file in files}), len(files))
    cameras = len({file.camid for file in files} - {None})
    tracks = len({(file.pid, file.track) for file in files if file.track is not None})
    clothes = len({(file.pid, file.clothes) for file in files if file.clothes is not None})
    log(
        f'{name}: {found[0]} identities, {found[1]} images, '
        f'{cameras or "no"} camera{"s" * (cameras != 1)}'
        + (f', {clothes} outfits' if clothes else '')
        + (f', {tracks} tracks' if tracks else '')
    )
    if published is not None and published != found:
        _warn(
            f'{name}: found {found[0]} identities / {found[1]} images, published are '
            f'{published[0]} / {published[1]}'
        )
    if published_tracks is not None and published_tracks != tracks:
        _warn(f'{name}: found {tracks} tracks, published are {published_tracks}')


def _warn(text: str) -> None:
    warn(f'{text}; figures will not compare with published ones')
