"""Choose the sources and the reader of a data set: its arguments or its class's defaults."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..file_names import compile_pattern
from ..image_files import folders, is_glob
from .reader import Labels, find_reader, label_type


def choose_sources(given: Any, own: Mapping[str, Any], roles: Sequence[str]) -> dict[str, Any]:
    """Choose the sources by role.

    Args:
        given: argument `sources`; None: the class's own.
        own: the class's.
        roles: those that the split needs.

    Raises:
        TypeError: if they are not a mapping.
        ValueError: if one is missing.
    """
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f'sources is a dict(train=, query=, gallery=), got {given!r}')
    found = dict(own if given is None else given)
    missing = [role for role in roles if role not in found]
    if missing:
        raise ValueError(f'the data set needs `sources` for {tuple(roles)}, missing: {missing}')
    return found


def choose_labels(
    labels: Labels | None, pattern: str | None, own_labels: Labels | None, own_pattern: str
) -> Labels:
    """Choose and check what the labels are read from.

    Args:
        labels, pattern: arguments of the data set; None: the class's own.
        own_labels, own_pattern: the class's.

    Raises:
        TypeError, ValueError: as `find_reader` and `compile_pattern`, and if both arguments are
            given, or nothing is.
    """
    if pattern is not None and labels is not None:
        raise ValueError(
            f'pattern={pattern!r} and labels={labels!r} are both given: write the pattern into '
            'labels'
        )
    if labels is None and pattern is None:
        labels = own_labels
    if labels is None:
        pattern = own_pattern if pattern is None else pattern
        if not pattern:
            raise ValueError('the data set needs `pattern` or `labels`, which tell identities')
        compile_pattern(pattern)
        labels = dict(type='name', pattern=pattern)
    find_reader(labels)
    return labels


def training_paths(root: Path, sources: Mapping[str, Any], labels: Labels) -> list[str]:
    """List the training images if this is fast and they may be test images too.

    Args:
        root: folder of the data set.
        sources: by role.
        labels: what tells the labels; a user's function is not called.
    """
    train, tested = sources['train'], [sources['query'], sources['gallery']]
    kind = label_type(labels)
    apart = kind == 'name' and not (is_glob([train, *tested]) or folders(train) & folders(tested))
    if not kind or apart:
        return []
    parts = train if isinstance(train, (list, tuple)) else [train]
    return [file.path for part in parts for file in find_reader(labels)(root, part)]
