"""Find files that a data set names more than once: count once, reject, or warn."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..logs import log, warn
from ..printable import printable
from .file_names import ImageFile
from .protocols import OWN_IMAGE_OUT


def count_once(files: Sequence[ImageFile], role: str) -> list[ImageFile]:
    """Keep each file once, and log how many were named more than once.

    Files of equal names in several folders of a role are kept, since they may be different images.
    They are logged, since they may also be copies, or of two data sets with the same numbers.

    Args:
        files: image files of a role, sorted by path.
        role: how it is called in the log.

    Raises:
        ValueError: if a file is named again with other labels.
    """
    kept: dict[str, ImageFile] = {}
    for file in files:
        place = os.path.normpath(file.path)
        if kept.setdefault(place, file)[1:] != file[1:]:
            raise ValueError(
                printable(
                    f'{role}: {file.path} is named twice with different labels, {file[1:]} and '
                    f'{kept[place][1:]}: correct one of them'
                )
            )
        kept[place] = file
    if len(kept) < len(files):
        _warn(
            f'{role}: {len(files) - len(kept)} of {len(files)} files are named more than once '
            'and count once'
        )
    names = {os.path.basename(file.path): file.path for file in kept.values()}
    if len(names) < len(kept):
        other = next(
            file.path for file in kept.values() if names[os.path.basename(file.path)] != file.path
        )
        _warn(
            f'{role}: {len(kept) - len(names)} of {len(kept)} files have the name of another, '
            f'such as {other} and {names[os.path.basename(other)]}: all count, as one identity '
            'where their labels say so'
        )
    return list(kept.values())


def check_test_roles(by_role: Mapping[str, Sequence[ImageFile]], protocol: str) -> None:
    """Check that no query finds itself in the gallery.

    With cameras, the protocol leaves it out with all images of its identity and camera; a line in
    the log says so.

    Args:
        by_role: files of 'query' and 'gallery'.
        protocol: rule of the evaluation; those of `OWN_IMAGE_OUT` need no cameras.

    Raises:
        ValueError: if a file is both, the data has no cameras, and the rule does not leave the
            query itself out.
    """
    gallery = {os.path.normpath(file.path) for file in by_role['gallery']}
    both = [file for file in by_role['query'] if os.path.normpath(file.path) in gallery]
    if not both or protocol in OWN_IMAGE_OUT:
        return
    if both[0].camid is None:
        raise ValueError(
            f'{len(both)} files are query and gallery, {both[0].path} for one, and '
            'the data has no cameras: each would find itself. Take them out of one of '
            "the two, give the images cameras, or set protocol='leave_one_out' for the data set "
            'and the metric'
        )
    log(
        f'{len(both)} of {len(by_role["query"])} queries are in the gallery too: they are '
        'left out there, with all images of their identity and camera (with '
        'use_cameras=False they would find themselves)'
    )


def warn_of_training_images(
    files: Sequence[ImageFile], list_training: Callable[[], Iterable[str]]
) -> None:
    """Log a warning where test images are training images too.

    Args:
        files: the test images.
        list_training: gives the paths of the training images, which need not be there: a test
            needs none.
    """
    try:
        known = {os.path.normpath(path) for path in list_training()}
    except (OSError, KeyError, TypeError, ValueError):
        return
    both = [file.path for file in files if os.path.normpath(file.path) in known]
    if both:
        _warn(
            f'{len(both)} of {len(files)} test images are training images, {both[0]} for one: '
            'the figures do not say how well new people are found'
        )


def _warn(text: str) -> None:
    warn(printable(text))
