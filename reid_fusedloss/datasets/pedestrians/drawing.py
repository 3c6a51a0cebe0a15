"""Draw pictures of pedestrians from person, pose, place and camera."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np

from .appearance import make_rng, sample_identity
from .body import Pose, build_body
from .camera import Camera, expose, sample_camera
from .scene import HEIGHT, VIEW, WIDTH, clouds, draw_occluder, paint_background
from .solids import draw_solid

MIN_SIZE = (32, 16)


@cache
def _folds() -> np.ndarray:
    """Folds of cloth, as factors of the light."""
    return (
        1
        + 0.06 * clouds(make_rng(7), (1024, 1024), (40, 130))
        + 0.06 * clouds(make_rng(8), (1024, 1024), (18, 30))
    )


def check_size(size: tuple[int, int]) -> None:
    """Check that `size` is (H, W) of at least MIN_SIZE and at most 512 pixels.

    Raises:
        ValueError: if it is not.
    """
    pair = isinstance(size, (list, tuple)) and len(size) == 2
    if not pair or not all(
        isinstance(n, int) and low <= n <= 512 for n, low in zip(size, MIN_SIZE)
    ):
        raise ValueError(
            f'size={size!r} must be (height, width) in pixels, at least {MIN_SIZE} '
            'and at most 512 each, for example (128, 64)'
        )


def draw_pedestrian(
    pid: int, camid: int, index: int, *, seed: int = 0, size: tuple[int, int] = (128, 64)
) -> np.ndarray:
    """Draw the picture `index` of the person `pid` taken by the camera `camid`.

    It depends only on the arguments, not on what was drawn before.

    Args:
        pid: identity, 0 or more.
        camid: camera, 0 or more.
        index: number of the picture among those of this person in this camera, 0 or more.
        seed: population and site, 0 or more.
        size: (H, W) in pixels.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: if a number is negative or `size` is out of range.
    """
    for name, value in dict(pid=pid, camid=camid, index=index, seed=seed).items():
        if value < 0:
            raise ValueError(f'{name}={value} must be 0 or more')
    check_size(size)
    return _photograph(pid, camid, make_rng(seed, 9, pid, camid, index), seed, size, None)


def draw_junk(
    camid: int, index: int, *, seed: int = 0, size: tuple[int, int] = (128, 64)
) -> np.ndarray:
    """Draw a false detection: the place without a person, or a person cut in half.

    Args, Returns and Raises are those of `draw_pedestrian`, without `pid`.
    """
    if min(camid, index, seed) < 0:
        raise ValueError(f'camid={camid}, index={index} and seed={seed} must be 0 or more')
    check_size(size)
    rng = make_rng(seed, 10, camid, index)
    pid = int(rng.integers(1 << 40, 1 << 41))
    shift = None if index % 2 else (rng.choice((-0.5, 0.5)), rng.uniform(-0.4, 0.5))
    return _photograph(pid if shift else None, camid, rng, seed, size, shift)


def _photograph(
    pid: int | None,
    camid: int,
    rng: np.random.Generator,
    seed: int,
    size: tuple[int, int],
    shift: tuple[float, float] | None,
) -> np.ndarray:
    """Draw scene and person at twice the size, then let the camera take the picture."""
    camera = sample_camera(seed, camid)
    rows, columns = 2 * size[0], 2 * size[1]
    canvas = _crop_background(seed, camid, rng, (rows, columns))
    top, left = (int(rng.integers(0, 1024 - min(n, 1023))) for n in (rows, columns))
    folds = _folds()[top : top + rows, left : left + columns]
    if rng.random() < 0.12:
        _draw_person(
            canvas,
            int(rng.integers(1 << 41, 1 << 42)),
            seed,
            camera,
            rng,
            folds,
            (rng.choice((-1, 1)) * rng.uniform(0.35, 0.6), rng.uniform(-0.25, -0.1)),
            0.8,
        )
    if pid is not None:
        drift = (rng.normal(0, 0.055), rng.normal(0, 0.02))
        _draw_person(canvas, pid, seed, camera, rng, folds, shift or drift, rng.uniform(0.88, 1.03))
    image = cv2.merge(list(canvas))
    if rng.random() < camera.occlusion:
        draw_occluder(rng, image)
    return expose(camera, image, size, rng)


def _crop_background(
    seed: int, camid: int, rng: np.random.Generator, shape: tuple[int, int]
) -> np.ndarray:
    """Crop a window of the camera's place, float32, shape (3, *shape)."""
    place = paint_background(seed, camid)
    zoom = rng.uniform(0.8, 1.0)
    high = int(VIEW * zoom)
    wide = min(WIDTH - 1, int(high * shape[1] / shape[0]))
    top = int(rng.integers(0, HEIGHT - high))
    left = int(rng.integers(0, WIDTH - wide))
    window = place[top : top + high, left : left + wide]
    image = cv2.resize(window, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.stack(cv2.split(image)).astype(np.float32)


def _draw_person(
    canvas: np.ndarray,
    pid: int,
    seed: int,
    camera: Camera,
    rng: np.random.Generator,
    folds: np.ndarray,
    shift: tuple[float, float],
    fill: float,
) -> None:
    """Draw a person and the shadow below, `fill` of the image high, moved by `shift` of W, H."""
    rows, columns = canvas.shape[1:]
    person = sample_identity(seed, pid)
    walking = rng.random() < 0.8
    yaw = camera.yaws[int(rng.random() < 0.3)] + rng.normal(0, 0.3)
    pose = Pose(
        yaw=yaw,
        phase=rng.uniform(0, 2 * math.pi),
        stride=rng.uniform(0.2, 0.42) if walking else rng.uniform(0.02, 0.08),
        swing=rng.uniform(0.2, 0.55) if walking else 0.05,
        elbow=rng.uniform(0.1, 0.6),
        x=float(columns * (0.5 + shift[0])),
        y=float(rows * (0.5 + 0.5 * fill + shift[1])),
        scale=float(rows * fill),
        tilt=camera.tilt + rng.normal(0, 0.04),
        lean=rng.normal(0, 0.015),
    )
    _draw_shadow(canvas, pose, camera)
    for solid in build_body(person, pose):
        draw_solid(canvas, solid, camera.light, folds)


def _draw_shadow(canvas: np.ndarray, pose: Pose, camera: Camera) -> None:
    """Darken the ground around the feet."""
    rows, columns = canvas.shape[1:]
    wide, deep = 0.16 * pose.scale, 0.03 * pose.scale * (1 + 2 * camera.tilt)
    y0, y1 = (int(np.clip(pose.y + k * 3 * deep, 0, rows)) for k in (-1, 1))
    x0, x1 = (int(np.clip(pose.x + k * 2.5 * wide, 0, columns)) for k in (-1, 1))
    y = ((np.arange(y0, y1, dtype=np.float32) - pose.y) / deep)[:, None]
    x = np.arange(x0, x1, dtype=np.float32) - (pose.x - 0.4 * wide * camera.light.x)
    x /= wide
    canvas[:, y0:y1, x0:x1] *= 1 - 0.55 * np.exp(-(x * x + y * y))
