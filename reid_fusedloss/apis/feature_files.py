"""Write features to an .npz file, and read them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..npz_file import NOT_NPZ
from ..whole_file import whole_file
from .extraction import Extraction

KEYS = ('features', 'names', 'unreadable', 'reasons')


class StampedNames(NamedTuple):
    """The images in a file of features, with the state (stamp) of each image file.

    Attributes:
        read: name -> stamp, of the images that have features.
        unreadable: name -> stamp, of the others.
    """

    read: dict[str, str]
    unreadable: dict[str, str]


def save_extraction(
    path: Path, extraction: Extraction, stamps: Mapping[str, str] | None = None
) -> None:
    """Write features (N, C), names (N,), and unreadable and reasons (M,), atomically.

    Args:
        path: .npz file; its folder is created.
        extraction: the features.
        stamps: name -> state of the image file, to be saved too.
    """
    arrays: dict[str, Any] = dict(
        features=extraction.features,
        names=_texts(extraction.names),
        unreadable=_texts(extraction.unreadable),
        reasons=_texts(extraction.unreadable.values()),
    )
    if stamps is not None:
        arrays |= dict(
            stamps=_texts(stamps[name] for name in extraction.names),
            unreadable_stamps=_texts(stamps[name] for name in extraction.unreadable),
        )
    with whole_file(path) as file:
        np.savez(file, **arrays)


def read_extraction(path: Path) -> Extraction:
    """Read a file of `save_extraction`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is another file, or corrupt or truncated.
    """
    arrays = _read(path, KEYS)
    unreadable = dict(zip(arrays['unreadable'].tolist(), arrays['reasons'].tolist()))
    features, names = arrays['features'], arrays['names'].tolist()
    if features.ndim != 2 or len(features) != len(names):
        raise ValueError(
            f'{path} must hold features (N, C) and N names, got shape {features.shape} and '
            f'{len(names)} names: extract again'
        )
    return Extraction(features, names, unreadable)


def read_stamps(path: Path) -> StampedNames:
    """Read names and stamps of a file that was written with `stamps`, without its features.

    Raises:
        FileNotFoundError, ValueError: as `read_extraction`.
    """
    arrays = _read(path, ('names', 'stamps', 'unreadable', 'unreadable_stamps'))
    names, stamps, unreadable, unreadable_stamps = (array.tolist() for array in arrays.values())
    return StampedNames(dict(zip(names, stamps)), dict(zip(unreadable, unreadable_stamps)))


def _texts(texts: Iterable[str]) -> np.ndarray:
    return np.array(list(texts), dtype=np.str_)


def _read(path: Path, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in keys}
    except FileNotFoundError:
        raise FileNotFoundError(f'no features at {path}: check the path') from None
    except NOT_NPZ as error:
        raise ValueError(
            f'{path} is corrupt or truncated, or not an .npz file with {list(keys)}: {error}'
        ) from None
