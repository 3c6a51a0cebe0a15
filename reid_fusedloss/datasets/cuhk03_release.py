"""Convert CUHK03's release and its new protocol to the layout of Market-1501."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from ..checks import check_choice
from ..optional import require
from .image_files import check_file

KINDS = ('detected', 'labeled')
FOLDERS = dict(train_idx='bounding_box_train', query_idx='query', gallery_idx='bounding_box_test')


class Place(NamedTuple):
    """Indices of an image in the release, from 0, and its new file name."""

    pair: int
    person: int
    image: int
    target: str


def write_cuhk03(release: Path, protocol: Path, kind: str, out: Path) -> dict[str, int]:
    """Write the images of the new protocol (Zhong et al., CVPR 2017) as PNG files.

    Args:
        release: `cuhk-03.mat`, an HDF5 file.
        protocol: `cuhk03_new_protocol_config_detected.mat` or `..._labeled.mat`.
        kind: 'detected' or 'labeled', whose boxes.
        out: folder to write into; names are `0001_c1_1_001_01.png`: identity, camera, and pair,
            person and number in the release.

    Returns:
        Number of images in each folder.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file has another format, or an image of the protocol is not in the release.
        ImportError: if h5py is not installed.
    """
    check_choice('kind', kind, KINDS)
    places = {folder: list(_places(protocol, key)) for key, folder in FOLDERS.items()}
    h5py = require('h5py', "CUHK03's release")
    try:
        opened = h5py.File(check_file(release), 'r')
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f'{release} is not an HDF5 file ({error})') from None
    with opened as file:
        for folder, part in places.items():
            (out / folder).mkdir(parents=True, exist_ok=True)
            for place in part:
                image = _image(file, kind, place, release)
                cv2.imwrite(str(out / folder / place.target), image[..., ::-1])
    return {folder: len(part) for folder, part in places.items()}


def _places(protocol: Path, key: str) -> Iterator[Place]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        tables = loadmat(check_file(protocol))
        names = [str(np.ravel(cell)[0]) for cell in tables['filelist'].ravel()]
        pids = tables['labels'].ravel()
        indices = tables[key].ravel().astype(int) - 1
    except (KeyError, IndexError, ValueError, NotImplementedError, MatReadError) as error:
        raise ValueError(
            f'{protocol} is not a file of the new protocol, with filelist, labels and {key} '
            f'({error})'
        ) from None
    for index in indices.tolist():
        pair, person, view, image = map(int, names[index].split('.')[0].split('_'))
        target = f'{int(pids[index]):04d}_c{view}_{pair}_{person:03d}_{image:02d}.png'
        yield Place(pair - 1, person - 1, image - 1, target)


def _image(file: Any, kind: str, place: Place, release: Path) -> np.ndarray:
    """Read pixels (H, W, 3), RGB; HDF5 holds MATLAB's arrays with their axes reversed."""
    try:
        pair = file[file[kind][0, place.pair]]
        pixels = np.asarray(file[pair[place.image, place.person]]).T
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f'{release}: no image for {place.target} ({error})') from None
    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        raise ValueError(f'{release}: no image for {place.target}, but an array {pixels.shape}')
    return pixels
