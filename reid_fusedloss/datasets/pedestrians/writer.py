"""Write synthetic pedestrians as a folder in the layout of Market-1501."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from .drawing import check_size, draw_junk, draw_pedestrian

PARAMETERS_FILE = 'synthetic.json'
VERSION = 1
MOST_IMAGES = 10**6


class Shot(NamedTuple):
    """One image of the set: `name_pid` is the identity in its file name, `pid` None means junk."""

    folder: str
    name_pid: int
    pid: int | None
    camid: int
    number: int
    name: str = ''


def write_market1501_layout(
    root: str | os.PathLike,
    *,
    num_train_ids: int = 64,
    num_test_ids: int = 48,
    num_distractors: int = 96,
    num_junk: int = 16,
    num_cameras: int = 4,
    images_per_camera: int = 4,
    size: tuple[int, int] = (128, 64),
    seed: int = 0,
) -> None:
    """Write a small synthetic ReID set in the folder layout of Market-1501.

    Identities 1 ... `num_train_ids` fill `bounding_box_train`, the next `num_test_ids` are
    tested: their first image in each camera goes to `query`, the others to
    `bounding_box_test`, which also holds distractors (pid 0000, each a person seen once) and
    junk (pid -1, places without a person or with half of one). Camera ids start at 1.

    The complete folder appears in one step. If it exists already with the same parameters, as
    recorded in `synthetic.json`, nothing is done.

    Args:
        root: folder to create.
        num_train_ids: identities to train on.
        num_test_ids: identities to test on.
        num_distractors: images of pid 0.
        num_junk: images of pid -1.
        num_cameras: cameras, 2 or more.
        images_per_camera: images of each identity in each camera, 2 or more.
        size: (H, W) of the images in pixels.
        seed: population and site, 0 or more.

    Raises:
        ValueError: if an argument is out of range, or `root` exists and is not such a folder
            with these parameters.
    """
    parameters = dict(
        num_train_ids=num_train_ids,
        num_test_ids=num_test_ids,
        num_distractors=num_distractors,
        num_junk=num_junk,
        num_cameras=num_cameras,
        images_per_camera=images_per_camera,
        size=list(size),
        seed=seed,
    )
    check_parameters(parameters)
    parameters.update(version=VERSION)
    root = Path(root)
    if _is_written(root, parameters):
        return
    _write_atomically(root, parameters)


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Check the arguments of `write_market1501_layout`, by name.

    Raises:
        TypeError: if one is not an integer, or the size not a pair.
        ValueError: if one is out of range, or there would be more than a million images.
    """
    least = dict(num_distractors=0, num_junk=0, seed=0, num_cameras=2, images_per_camera=2)
    for name, value in parameters.items():
        if name == 'size':
            check_size(value)
        elif not isinstance(value, Integral) or isinstance(value, bool):
            raise TypeError(f'{name}={value!r} must be an integer')
        elif value < least.get(name, 1):
            raise ValueError(f'{name}={value} must be {least.get(name, 1)} or more')
    people = parameters['num_train_ids'] + parameters['num_test_ids']
    images = (
        people * parameters['num_cameras'] * parameters['images_per_camera']
        + parameters['num_distractors']
        + parameters['num_junk']
    )
    if images > MOST_IMAGES:
        raise ValueError(f'{dict(parameters)} are {images} images, more than {MOST_IMAGES}')


def _write_atomically(root: Path, parameters: Mapping[str, Any]) -> None:
    """Write into a temporary folder next to `root`, then rename it."""
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f'.{root.name}-', suffix='.tmp', dir=root.parent))
    try:
        draft.chmod(0o755)
        _write_images(draft, parameters)
        (draft / PARAMETERS_FILE).write_text(json.dumps(parameters, indent=2, default=int) + '\n')
        _publish(draft, root, parameters)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _is_written(root: Path, parameters: Mapping[str, Any]) -> bool:
    """Tell whether `root` holds this set already.

    Raises:
        ValueError: if it holds something else.
    """
    file = root / PARAMETERS_FILE
    if not file.is_file():
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise ValueError(
                f'{root} exists and has no {PARAMETERS_FILE}: it was not written by '
                'write_market1501_layout; choose another folder or remove it'
            )
        return False
    try:
        found = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{file} is not valid JSON ({error}); remove {root} to have it written again'
        ) from error
    if found != parameters:
        raise ValueError(
            f'{root} was written with {found}, not with {parameters}: '
            'remove the folder or choose another one'
        )
    return True


def _publish(draft: Path, root: Path, parameters: Mapping[str, Any]) -> None:
    """Rename `draft` to `root`, unless another process has written `root` meanwhile."""
    try:
        os.rename(draft, root)
    except OSError:
        if root.is_dir() and not any(root.iterdir()):
            root.rmdir()  # Windows cannot rename to an existing folder, not even an empty one
            os.rename(draft, root)
        elif not _is_written(root, parameters):
            raise


def _write_images(folder: Path, parameters: Mapping[str, Any]) -> None:
    """Draw and save all images; file names follow those of Market-1501."""
    for name in ('bounding_box_train', 'query', 'bounding_box_test'):
        (folder / name).mkdir()
    for shot in list_shots(parameters):
        _save(folder / shot.folder / shot.name, draw_shot(shot, parameters))


def draw_shot(shot: Shot, parameters: Mapping[str, Any]) -> np.ndarray:
    """Draw the image (H, W, 3), uint8, BGR, of a shot; `parameters` holds `size` and `seed`."""
    options = dict(seed=parameters['seed'], size=tuple(parameters['size']))
    if shot.pid is None:
        return draw_junk(shot.camid, shot.number, **options)
    return draw_pedestrian(shot.pid, shot.camid, shot.number, **options)


def list_shots(parameters: Mapping[str, Any]) -> Iterator[Shot]:
    """Yield all images of a set in the order of their frame numbers.

    Args:
        parameters: the arguments of `write_market1501_layout` by name.
    """
    for number, shot in enumerate(_shots(parameters)):
        pid = '-1' if shot.name_pid < 0 else f'{shot.name_pid:04d}'
        yield shot._replace(name=f'{pid}_c{shot.camid}s1_{25 * number + 1:06d}_00.jpg')


def _shots(parameters: Mapping[str, Any]) -> Iterator[Shot]:
    cameras, images = parameters['num_cameras'], parameters['images_per_camera']
    num_train = parameters['num_train_ids']
    num_ids = num_train + parameters['num_test_ids']
    for pid in range(1, num_ids + 1):
        for camid in range(1, cameras + 1):
            for index in range(images):
                test = 'bounding_box_test' if index else 'query'
                folder = 'bounding_box_train' if pid <= num_train else test
                yield Shot(folder, pid, pid, camid, index)
    for k in range(parameters['num_distractors']):
        yield Shot('bounding_box_test', 0, num_ids + 1 + k, k % cameras + 1, 0)
    for k in range(parameters['num_junk']):
        yield Shot('bounding_box_test', -1, None, k % cameras + 1, k)


def _save(file: Path, image: np.ndarray) -> None:
    """Save as JPEG; the path may hold any character, which cv2.imwrite does not promise."""
    done, code = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        raise RuntimeError(f'cv2 cannot encode {file}')
    file.write_bytes(code.tobytes())
