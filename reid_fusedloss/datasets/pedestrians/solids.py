"""Shaded solids of revolution in the image plane: limbs, torso, head and bags."""

from __future__ import annotations

from collections.abc import Callable
from math import hypot
from typing import NamedTuple

import numpy as np

from .appearance import Colour

Paint = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

_STEPS = np.linspace(0, 1, 64)


class Solid(NamedTuple):
    """A solid around the axis from `start` to `end`, seen from the side.

    `start` and `end` are (x, y) in pixels, `profile` the half-widths in pixels at even steps
    between them. `flat` squeezes the round caps at both ends (1: half-spheres). `paint` is a BGR
    colour or a function of (t along the axis, n across it from -1 to 1, z towards the camera),
    each of shape (h, w), that returns (3, h, w). Solids are drawn in the order of `depth`; `dim`
    darkens those in the shade of others.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    profile: tuple[float, ...]
    paint: Colour | Paint
    depth: float
    flat: float = 1.0
    dim: float = 1.0


class Light(NamedTuple):
    """Direction the light comes from (x right, y down, z to the camera) and the ambient share."""

    x: float
    y: float
    z: float
    ambient: float


def draw_solid(canvas: np.ndarray, solid: Solid, light: Light, folds: np.ndarray) -> None:
    """Draw one solid, anti-aliased, on `canvas` in place.

    Args:
        canvas: BGR image, shape (3, H, W), float32.
        solid: what to draw.
        light: how it is lit.
        folds: brightness factors of cloth folds and other unevenness, shape (H, W).
    """
    (x, y), (end_x, end_y) = solid.start, solid.end
    length = max(hypot(end_x - x, end_y - y), 1e-3)
    dx, dy = (end_x - x) / length, (end_y - y) / length
    window = _window(solid, (dx, dy), canvas.shape[1:])
    if window is None:
        return
    rows, columns = window
    xs = np.arange(columns.start, columns.stop, dtype=np.float32) + (0.5 - x)
    ys = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + (0.5 - y)
    across = xs * dy - ys * dx
    beyond = xs * dx + ys * dy
    t = np.minimum(np.maximum(beyond / length, 0), 1)
    beyond -= t * length
    width = _half_width(t, solid.profile)
    beyond *= solid.flat
    width = np.sqrt(np.maximum(width * width - beyond * beyond, 1e-3))
    n = np.minimum(np.maximum(across / width, -1), 1)
    z = np.sqrt(1 - n * n)
    shade = np.maximum(n * (dy * light.x - dx * light.y) + z * (light.z + 0.3), 0)
    shade *= 1 - light.ambient
    shade += light.ambient
    shade *= folds[rows, columns]
    shade *= 0.74 + 0.38 * z
    alpha = np.minimum(np.maximum(width - np.abs(across) + 0.45, 0), 1)
    colour = solid.paint(t, n, z) if callable(solid.paint) else column(solid.paint)
    shade *= alpha * solid.dim
    region = canvas[:, rows, columns]
    region *= 1 - alpha
    region += colour * shade


def mix(weight: np.ndarray, over: Colour, under: Colour) -> np.ndarray:
    """Blend `over` (weight 1) with `under` (weight 0) by weights (h, w); shape (3, h, w)."""
    top, base = column(over), column(under)
    return base + weight.astype(np.float32) * (top - base)


def column(colour: Colour) -> np.ndarray:
    """Return a colour that broadcasts over (3, h, w), float32."""
    return np.array(colour, np.float32)[:, None, None]


def _window(
    solid: Solid, axis: tuple[float, float], shape: tuple[int, int]
) -> tuple[slice, slice] | None:
    """Rows and columns of an image of `shape` that the solid can touch; None if there are none."""
    wide, cap = max(solid.profile), max(solid.profile[0], solid.profile[-1])
    bounds = []
    for k, size in ((1, shape[0]), (0, shape[1])):
        low, high = sorted((solid.start[k], solid.end[k]))
        along, across = axis[k], axis[1 - k]
        reach = max(wide * abs(across), hypot(cap * across, cap / solid.flat * along)) + 1.5
        first, last = max(0, int(low - reach)), min(size, int(high + reach) + 1)
        if first >= last:
            return None
        bounds.append(slice(first, last))
    return bounds[0], bounds[1]


def _half_width(t: np.ndarray, profile: tuple[float, ...]) -> np.ndarray:
    """`profile` interpolated linearly at `t` (0 to 1), float32 of the shape of `t`."""
    steps = len(profile) - 1
    if steps == 1:
        return t * (profile[1] - profile[0]) + profile[0]
    table = np.interp(_STEPS * steps, np.arange(steps + 1), profile).astype(np.float32)
    return table.take((t * 63).astype(np.intp))
