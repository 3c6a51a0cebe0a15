"""Appearance of a synthetic pedestrian: body, hair and clothes, drawn from (seed, pid)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

Colour = tuple[float, float, float]

SKINS = ('#f0cfb4', '#e3b592', '#d09d78', '#b17f5a', '#8a5a3c', '#5f3d2a')
HAIRS = ('#17130f', '#1f1813', '#2e2018', '#4a3020', '#73502f', '#b08d57', '#8d8d8b')
UPPERS = (
    '#23252b',
    '#23252b',
    '#34373d',
    '#3b4252',
    '#29324d',
    '#54585e',
    '#7f8388',
    '#b9babb',
    '#dcdbd7',
    '#e6e4de',
    '#8c2f33',
    '#a34a3d',
    '#3d5f8f',
    '#5b86b5',
    '#44614a',
    '#6d6b45',
    '#a89067',
    '#6b4a35',
    '#c79aa1',
    '#6a4c77',
    '#c7a23c',
)
LOWERS = (
    '#20222a',
    '#20222a',
    '#262c3d',
    '#2f3a56',
    '#3f5275',
    '#5c7396',
    '#3c3a38',
    '#5a5a5a',
    '#8a8474',
    '#b3a68a',
    '#5b4636',
    '#cfcac0',
)
ACCENTS = ('#eceae4', '#1c1d21', '#b23a3a', '#3a62a8', '#d3b04a', '#5a8a62', '#8b8f95', '#c58a9a')
SHOES = ('#1b1b1d', '#1b1b1d', '#4a3426', '#d8d6d1', '#8c8c8c', '#7a2e2e', '#2c3c5c')
TEXTURES = (
    'plain',
    'plain',
    'open',
    'stripes',
    'pinstripes',
    'checks',
    'logo',
    'print',
    'two_tone',
    'yoke',
)


class Identity(NamedTuple):
    """Everything about a person that no camera changes; colours are BGR, 0 to 255.

    Lengths are fractions of the body height; `coat` and `hem` tell how far the upper garment
    reaches below the hip and the lower one down the leg (1 is the ankle).
    """

    height: float
    build: float
    shoulders: float
    skin: Colour
    hair: Colour
    hair_style: str
    hat: Colour | None
    upper: Colour
    accent: Colour
    texture: str
    pitch: float
    sleeve: float
    coat: float
    lower_kind: str
    lower: Colour
    hem: float
    legs: Colour
    shoes: Colour
    bag: str
    bag_colour: Colour
    bag_size: float
    bag_side: int


def make_rng(*key: int) -> np.random.Generator:
    """Make a random generator from non-negative integers, the same in every process."""
    return np.random.default_rng(np.random.SeedSequence(key))


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Draw one of `options` uniformly; repeat an option to make it more likely."""
    return options[int(rng.integers(len(options)))]


def dye(rng: np.random.Generator, palette: Sequence[str], spread: float = 0.08) -> Colour:
    """Draw a palette colour (hex RGB) as BGR, varied a little in brightness and hue."""
    code = pick(rng, palette)
    bgr = np.array([int(code[i : i + 2], 16) for i in (5, 3, 1)], float)
    bgr *= np.exp(rng.normal(0, spread) + rng.normal(0, spread / 2.5, 3))
    blue, green, red = np.clip(bgr, 12, 245)
    return float(blue), float(green), float(red)


def darken(colour: Colour, factor: float) -> Colour:
    """Multiply each channel of a colour by `factor`."""
    blue, green, red = colour
    return blue * factor, green * factor, red * factor


@lru_cache(maxsize=4096)
def sample_identity(seed: int, pid: int) -> Identity:
    """Draw the person `pid` of the population `seed`; both are non-negative integers."""
    rng = make_rng(seed, 1, pid)
    skin = dye(rng, SKINS, 0.05)
    lower_kind = pick(rng, ('trousers',) * 5 + ('shorts', 'shorts', 'skirt', 'skirt'))
    hem = {'trousers': 1.0, 'shorts': rng.uniform(0.38, 0.58), 'skirt': rng.uniform(0.4, 0.75)}
    lower = dye(rng, LOWERS)
    tights = dye(rng, ('#1d1c20', '#3a3136')) if rng.random() < 0.5 else skin
    return Identity(
        height=float(np.clip(rng.normal(1.0, 0.035), 0.92, 1.08)),
        build=float(np.clip(rng.normal(1.0, 0.12), 0.8, 1.35)),
        shoulders=float(rng.uniform(0.92, 1.12)),
        skin=skin,
        hair=dye(rng, HAIRS),
        hair_style=pick(rng, ('short', 'short', 'short', 'bob', 'long', 'long', 'bun', 'bald')),
        hat=dye(rng, ACCENTS) if rng.random() < 0.18 else None,
        upper=dye(rng, UPPERS),
        accent=dye(rng, ACCENTS),
        texture=pick(rng, TEXTURES),
        pitch=float(rng.uniform(0.8, 1.5)),
        sleeve=float(pick(rng, ('2', '2', '2', '0.6', '0.75', '1.3', '0.1'))),
        coat=float(pick(rng, ('0.0', '0.02', '0.04', '0.07', '0.2'))),
        lower_kind=lower_kind,
        lower=lower,
        hem=float(hem[lower_kind]),
        legs={'trousers': lower, 'shorts': skin, 'skirt': tights}[lower_kind],
        shoes=dye(rng, SHOES),
        bag=pick(rng, ('none', 'none', 'backpack', 'backpack', 'handbag', 'shoulder')),
        bag_colour=dye(rng, ACCENTS + LOWERS),
        bag_size=float(rng.uniform(0.8, 1.25)),
        bag_side=int(rng.integers(2)) * 2 - 1,
    )
