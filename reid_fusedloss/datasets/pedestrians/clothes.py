"""Textures of garments, hair and face that turn with the body."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .appearance import Colour, Identity, darken
from .solids import Paint, column, mix

Pattern = Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]


def _stripes(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    return np.sin(t * (38 / pitch)) > 0.2


def _pinstripes(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    return np.sin(np.arctan2(side, front) * round(11 / pitch)) > 0.55


def _checks(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    rows = np.sin(t * (30 / pitch)) > 0
    columns = np.sin(np.arctan2(side, front) * round(8 / pitch)) > 0
    return 0.5 * rows + 0.5 * columns


def _logo(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    low, high = 0.24 - 0.04 * pitch, 0.26 + 0.1 * pitch
    return (np.abs(side) < 0.26 * pitch) & (t > low) & (t < high) & (front > 0)


def _print(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    middle = (t - 0.45) * 2.2
    return (side * side + middle * middle < 0.2 * pitch * pitch) & (np.abs(front) > 0.2)


def _two_tone(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    return t > 0.38 * pitch


def _yoke(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    return t < 0.22 * pitch


def _open(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    return (np.abs(side) < 0.12 * pitch + 0.22 * t) & (front > 0)


def _plain(t: np.ndarray, side: np.ndarray, front: np.ndarray, pitch: float) -> np.ndarray:
    return 0.25 * ((np.abs(side) < 0.05) & (front > 0))


PATTERNS: dict[str, Pattern] = dict(
    stripes=_stripes,
    pinstripes=_pinstripes,
    checks=_checks,
    logo=_logo,
    print=_print,
    two_tone=_two_tone,
    yoke=_yoke,
    open=_open,
    plain=_plain,
)


def body_axes(n: np.ndarray, z: np.ndarray, yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotate a surface normal from the screen to the body's frame: (to its left, to its front)."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    return n * cos - z * sin, n * sin + z * cos


def paint_torso(person: Identity, yaw: float) -> Paint:
    """Return the paint of the upper garment with its texture and the straps of a bag."""
    pattern = PATTERNS[person.texture]

    def paint(t: np.ndarray, n: np.ndarray, z: np.ndarray) -> np.ndarray:
        side, front = body_axes(n, z, yaw)
        colour = mix(pattern(t, side, front, person.pitch), person.accent, person.upper)
        if person.bag == 'backpack':
            strap = (np.abs(np.abs(side) - 0.52) < 0.1) & (front > 0) & (t < 0.55)
        elif person.bag == 'shoulder':
            strap = np.abs(side * person.bag_side * 0.8 - (t - 0.35) * 1.3) < 0.08
        else:
            return colour
        return np.where(strap, column(person.bag_colour), colour)

    return paint


def paint_sleeve(person: Identity) -> Paint | Colour:
    """Return the paint of a sleeve: it has stripes and checks, but no other texture."""
    if person.texture not in ('stripes', 'checks'):
        return person.upper
    pattern = PATTERNS[person.texture]

    def paint(t: np.ndarray, n: np.ndarray, z: np.ndarray) -> np.ndarray:
        return mix(pattern(t * 0.4, n, z, person.pitch), person.accent, person.upper)

    return paint


def paint_head(person: Identity, yaw: float) -> Paint:
    """Return the paint of face, hair and hat, t = 0 at the top of the head."""
    hairline = {'bald': -1.0, 'short': 0.27}.get(person.hair_style, 0.32)
    nape = 0.7 if person.hair_style in ('short', 'bun') else 0.92
    dark = darken(person.skin, 0.45)

    def paint(t: np.ndarray, n: np.ndarray, z: np.ndarray) -> np.ndarray:
        side, front = body_axes(n, z, yaw)
        hair = t < hairline
        if hairline > 0:
            hair |= (front < 0.25) & (t < nape)
        eyes = (np.abs(np.abs(side) - 0.4) < 0.17) & (np.abs(t - 0.5) < 0.06) & (front > 0.3)
        mouth = (np.abs(side) < 0.3) & (np.abs(t - 0.82) < 0.035) & (front > 0.3)
        colour = mix(0.75 * eyes + 0.35 * mouth, dark, person.skin)
        colour = np.where(hair, column(person.hair), colour)
        if person.hat is not None:
            colour = np.where(t < 0.36, column(person.hat), colour)
        return colour

    return paint
