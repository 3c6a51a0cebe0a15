"""Labels of query and gallery: checked, and numbered in common."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

Labels = np.ndarray | Tensor | Sequence[int] | Sequence[str]
LabelSets = Mapping[str, Labels] | None
Sides = dict[str, tuple[Labels, Labels]]
IDENTITY, CAMERA = 'pid', 'camid'


def label_pairs(
    query_camids: Labels | None,
    gallery_camids: Labels | None,
    query_labels: LabelSets,
    gallery_labels: LabelSets,
) -> Sides:
    """Collect cameras and further labels by name, both sides of each.

    Raises:
        ValueError: if one side lacks a label that the other has, or a name is one of the
            identities or cameras, which are separate arguments.
    """
    if (query_camids is None) != (gallery_camids is None):
        raise ValueError(
            'cameras are given for one side only: pass query_camids and gallery_camids, or neither'
        )
    query, gallery = dict(query_labels or {}), dict(gallery_labels or {})
    lonely = sorted(set(query) ^ set(gallery))
    if lonely:
        raise ValueError(
            f'labels {lonely} are given for one side only: pass them in query_labels and in '
            'gallery_labels'
        )
    taken = sorted({IDENTITY, CAMERA} & set(query))
    if taken:
        raise ValueError(f'labels {taken} are separate arguments: leave them out of the labels')
    pairs: Sides = {name: (query[name], gallery[name]) for name in query}
    if query_camids is not None and gallery_camids is not None:
        pairs[CAMERA] = (query_camids, gallery_camids)
    return pairs


def check_lengths(name: str, pair: tuple[Labels, Labels], sizes: tuple[int, int]) -> None:
    """Raise a ValueError if there is not one label an image."""
    lengths = len(pair[0]), len(pair[1])
    if lengths != sizes:
        raise ValueError(
            f'{sizes[0]} query and {sizes[1]} gallery pids, but {lengths[0]} and {lengths[1]} '
            f'{_plural(name)}'
        )


def same_kind(query: Labels, gallery: Labels, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Convert the labels of both sides to arrays of integers or of strings.

    Raises:
        TypeError: if they are something else, or not the same on both sides.
        ValueError: if there is not one label an image.
    """
    plural = _plural(name)
    asked, there = as_labels(query, f'query_{plural}'), as_labels(gallery, f'gallery_{plural}')
    if asked.size and there.size and asked.dtype.kind != there.dtype.kind:
        raise TypeError(
            f'query_{plural} are of type {asked.dtype}, gallery_{plural} of type '
            f'{there.dtype}: use integers or strings for both'
        )
    return asked, there


def encode(query: Labels, gallery: Labels, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Number the labels of both sides in common, in their order; errors as `same_kind`."""
    asked, there = same_kind(query, gallery, name)
    codes = np.unique(np.concatenate([asked, there]), return_inverse=True)[1]
    return codes[: len(asked)], codes[len(asked) :]


def as_labels(labels: Labels, name: str) -> np.ndarray:
    """Convert labels to an array of int64 or of strings, shape (N,).

    Args:
        labels: integers or strings.
        name: of what they are, in the plural.

    Raises:
        TypeError: if they are something else.
        ValueError: if there is not one label an image.
    """
    array = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if array.dtype.kind == 'U' and not (
        isinstance(labels, np.ndarray) or all(isinstance(label, str) for label in labels)
    ):
        raise TypeError(
            f'{name} are integers and strings together, of which NumPy would make '
            'one: use integers or strings for all'
        )
    if array.ndim != 1:
        raise ValueError(f'{name} have shape {array.shape}, expected one label per image')
    if array.dtype.kind == 'O' and all(isinstance(label, str) for label in array):
        array = array.astype(str)
    if array.size and array.dtype.kind not in 'iuU':
        raise TypeError(
            f'{name} are of type {array.dtype}, expected integers or strings, '
            f'the first is {array[0]!r}'
        )
    return array.astype(np.int64) if array.dtype.kind in 'iu' else array


def _plural(name: str) -> str:
    """As in the names of the arguments: pids, camids; the labels of a mapping stay."""
    return f'{name}s' if name in (IDENTITY, CAMERA) else name
