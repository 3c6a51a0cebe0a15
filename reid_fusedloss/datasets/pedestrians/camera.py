"""Surveillance cameras: viewpoint, light, colours, blur, noise and compression."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import NamedTuple, cast

import cv2
import numpy as np

from .appearance import make_rng
from .solids import Light

VIEWS = (
    (0.0, math.pi),
    (0.5 * math.pi, 0.25 * math.pi),
    (math.pi, 0.8 * math.pi),
    (-0.5 * math.pi, 0.0),
    (-0.25 * math.pi, 0.75 * math.pi),
)


@cache
def _grain() -> np.ndarray:
    return make_rng(11).standard_normal((1024, 1024, 3), dtype=np.float32)


class Camera(NamedTuple):
    """Fixed properties of a camera.

    `yaws` are the two directions people mostly walk in (radians, 0 towards the camera), `tilt`
    how far it looks down (radians); `cast` is a (3, 3) BGR colour matrix, `gamma` and `gain` its
    response, `blur` (pixels) and `noise` (grey levels) are for an image 128 pixels high, `detail`
    is the share of that resolution it really has, `quality` that of its JPEGs.
    """

    yaws: tuple[float, float]
    tilt: float
    light: Light
    cast: np.ndarray
    gamma: float
    gain: float
    blur: float
    noise: float
    detail: float
    quality: int
    occlusion: float


@lru_cache(maxsize=64)
def sample_camera(seed: int, camid: int) -> Camera:
    """Draw the camera `camid` of the site `seed`; both are non-negative integers."""
    rng = make_rng(seed, 2, camid)
    hue = 2 * math.pi * (0.618 * camid + make_rng(seed, 3).random())
    strength = rng.uniform(0.02, 0.07)
    tint = np.exp(strength * np.array([math.cos(hue + k * 2 * math.pi / 3) for k in range(3)]))
    saturation = rng.uniform(0.55, 1.05)
    grey = np.array([[0.114, 0.587, 0.299]] * 3)
    cast = (tint[:, None] * (saturation * np.eye(3) + (1 - saturation) * grey)).astype(np.float32)
    bearing = rng.uniform(-1.2, 1.2)
    light = Light(
        math.sin(bearing), -rng.uniform(0.4, 0.9), math.cos(bearing), rng.uniform(0.4, 0.62)
    )
    dim = (camid * 2 + int(make_rng(seed, 4).integers(3))) % 3
    return Camera(
        yaws=VIEWS[(camid + int(make_rng(seed, 5).integers(5))) % len(VIEWS)],
        tilt=float(rng.uniform(0.08, 0.42)),
        light=light,
        cast=cast,
        gamma=float((0.78, 0.92, 1.08)[dim] * math.exp(rng.normal(0, 0.06))),
        gain=float(rng.uniform(0.98, 1.15)),
        blur=float(rng.uniform(0.25, 0.6)),
        noise=float(rng.uniform(2.0, 6.0)),
        detail=float(rng.uniform(0.6, 1.0)),
        quality=int(rng.integers(55, 90)),
        occlusion=float(rng.uniform(0.1, 0.3)),
    )


def expose(
    camera: Camera, scene: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Photograph `scene`: resolution, colours, blur, noise and JPEG of `camera`.

    Args:
        camera: the camera.
        scene: BGR image, float32, 0 to 255, larger than `size`.
        size: (H, W) of the photograph in pixels.
        rng: of the lighting jitter and the noise of this image.

    Returns:
        Shape (H, W, 3), uint8, BGR.
    """
    height, width = size
    image: np.ndarray = cv2.resize(scene, (width, height), interpolation=cv2.INTER_AREA)
    detail = min(1.0, camera.detail * rng.uniform(0.75, 1.25))
    if detail < 1:
        small = (max(8, round(width * detail)), max(16, round(height * detail)))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    jitter = np.exp(rng.normal(0, 0.025, 3) + rng.normal(0, 0.1))
    image = cv2.transform(image, camera.cast * (camera.gain * jitter[:, None]).astype(np.float32))
    blur = camera.blur * rng.uniform(0.7, 1.6) * height / 128
    image = cv2.GaussianBlur(image, (0, 0), blur)
    top, left = int(rng.integers(513)), int(rng.integers(513))
    image = image + _grain()[top : top + height, left : left + width] * camera.noise
    image = np.minimum(np.maximum(image, 0), 255).astype(np.uint8)
    gamma = camera.gamma * math.exp(rng.normal(0, 0.08))
    curve = np.clip(255 * (np.arange(256) / 255) ** gamma + 4, 0, 255).astype(np.uint8)
    quality = int(np.clip(camera.quality + rng.integers(-12, 13), 30, 95))
    _, code = cv2.imencode('.jpg', cv2.LUT(image, curve), [cv2.IMWRITE_JPEG_QUALITY, quality])
    # imdecode returns None only for corrupt data
    return cast(np.ndarray, cv2.imdecode(code, cv2.IMREAD_COLOR))
