"""Files that a data set names more than once: what is counted once, refused, or told."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.logging import print_log

from ..printable import printable
from .file_names import ImageFile
from .image_files import Source, folders, is_glob, list_images


def count_once(paths: Sequence[Path], role: str) -> list[Path]:
    """Each file once, with a line in the log where one is named again.

    Files of equal names in several folders of a role stay, since they may be several images; the
    log says so, since they may also be copies, or two data sets that number their identities alike.

    Args:
        paths: image files of a role, sorted.
        role: how it is called in the log.
    """
    kept = list({os.path.normpath(path): path for path in paths}.values())
    if len(kept) < len(paths):
        _warn(
            f'{role}: {len(paths) - len(kept)} of {len(paths)} files are named more than once '
            'and count once'
        )
    names = {path.name: path for path in kept}
    if len(names) < len(kept):
        other = next(path for path in kept if names[path.name] != path)
        _warn(
            f'{role}: {len(kept) - len(names)} of {len(kept)} files have the name of another, '
            f'such as {other} and {names[other.name]}: all count, as one identity where the '
            'names say so'
        )
    return kept


def check_test_roles(by_role: Mapping[str, Sequence[ImageFile]]) -> None:
    """A query must not find itself.

    With cameras, the protocol leaves it out with all images of its identity and camera; a line in
    the log says so.

    Args:
        by_role: files of 'query' and 'gallery'.

    Raises:
        ValueError: if a file is both and the data has no cameras.
    """
    gallery = {os.path.normpath(file.path) for file in by_role['gallery']}
    both = [file for file in by_role['query'] if os.path.normpath(file.path) in gallery]
    if not both:
        return
    if both[0].camid is None:
        raise ValueError(
            f'{len(both)} files are query and gallery, {both[0].path} for one, and '
            'the data has no cameras: each would find itself. Take them out of one of '
            'the two, or let `pattern` read a group (?P<camid>...)'
        )
    print_log(
        f'{len(both)} of {len(by_role["query"])} queries are in the gallery too: they are '
        'left out there, with all images of their identity and camera (with '
        'use_cameras=False they would find themselves)',
        logger='current',
    )


def warn_of_training_images(
    root: Path, sources: Mapping[str, Source], files: Sequence[ImageFile]
) -> None:
    """A line in the log where test images are training images too.

    The training images are listed only where the sources may share a folder; a test needs none.

    Args:
        root: folder of the data set.
        sources: by role, as in `ReIDDataset`.
        files: the test images.
    """
    train, tested = sources.get('train', ()), [sources[role] for role in ('query', 'gallery')]
    try:
        if not (is_glob([train, *tested]) or folders(train) & folders(tested)):
            return
        known = {os.path.normpath(path) for path in list_images(root, train)}
    except (OSError, KeyError, TypeError, ValueError):
        return
    both = [file.path for file in files if os.path.normpath(file.path) in known]
    if both:
        _warn(
            f'{len(both)} of {len(files)} test images are training images, {both[0]} for one: '
            'the figures do not say how well new people are found'
        )


def _warn(text: str) -> None:
    print_log(printable(text), logger='current', level=logging.WARNING)
