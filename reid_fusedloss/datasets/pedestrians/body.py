"""A walking body: joints in three dimensions, turned and projected into solids."""

from __future__ import annotations

import math
from typing import NamedTuple

from .appearance import Colour, Identity, darken
from .clothes import paint_head, paint_sleeve, paint_torso
from .solids import Paint, Solid

STRETCH = 1.2
"""Boxes of people are narrower than 1 : 2; resized to it, people grow this much in width."""


class Pose(NamedTuple):
    """Pose of a person in one image.

    Angles in radians: `yaw` 0 faces the camera, pi turns the back to it; `phase` is that of the
    gait, `stride` and `swing` the amplitudes of legs and arms, `elbow` the bend of the arms.
    `x`, `y` are the pixel below the feet, `scale` the pixels of a body height 1, `tilt` how far
    the camera looks down, `lean` the sideways lean.
    """

    yaw: float
    phase: float
    stride: float
    swing: float
    elbow: float
    x: float
    y: float
    scale: float
    tilt: float
    lean: float


class _Projector:
    """Body coordinates (left, up, forward; body height 1) to pixels and depth."""

    def __init__(self, pose: Pose, height: float) -> None:
        self.pose, self.size = pose, pose.scale * height
        self.cos, self.sin = math.cos(pose.yaw), math.sin(pose.yaw)
        self.squash, self.drop = math.cos(pose.tilt), math.sin(pose.tilt)

    def __call__(self, left: float, up: float, forward: float) -> tuple[tuple[float, float], float]:
        across = left * self.cos + forward * self.sin + self.pose.lean * up
        depth = forward * self.cos - left * self.sin
        grow = 1 + 0.35 * self.drop * (up - 0.5)
        x = self.pose.x + STRETCH * self.size * across * grow
        y = self.pose.y - self.size * (up * self.squash - depth * self.drop)
        return (float(x), float(y)), float(depth)

    def width(self, breadth: float, thickness: float) -> float:
        """Compute the visible half-width, in pixels, of an elliptic cross-section."""
        return STRETCH * self.size * math.hypot(breadth * self.cos, thickness * self.sin)

    def solid(
        self,
        a: tuple[float, float, float],
        b: tuple[float, float, float],
        widths: tuple[float, ...],
        paint: Paint | Colour,
        layer: float = 0.0,
        flat: float = 1.0,
    ) -> Solid:
        """Make a round limb between two body points; `widths` are fractions of the body height."""
        (start, near), (end, far) = self(*a), self(*b)
        profile = tuple(STRETCH * self.size * w for w in widths)
        depth = (near + far) / 2
        dim = 1 + 1.6 * min(max(depth, -0.15), 0.03)
        return Solid(start, end, profile, paint, layer + depth, flat, dim)


def build_body(person: Identity, pose: Pose) -> list[Solid]:
    """Build the solids of `person` in `pose`, farthest first."""
    project = _Projector(pose, person.height)
    solids = [*_torso(person, project), *_head(person, project)]
    for side in (-1, 1):
        solids += _leg(person, project, side)
        solids += _arm(person, project, side)
    solids += _backpack(person, project) if person.bag == 'backpack' else []
    return sorted(solids, key=lambda solid: solid.depth)


def _leg(person: Identity, project: _Projector, side: int) -> list[Solid]:
    """Thigh, shin and shoe; the far leg is drawn first, both before the torso."""
    pose, build = project.pose, person.build
    cycle = pose.phase if side > 0 else pose.phase + math.pi
    hip = pose.stride * math.sin(cycle)
    bend = 0.1 + 1.5 * pose.stride * max(0.0, math.cos(cycle + 0.4))
    top = (side * 0.046 * build, 0.5, 0.0)
    knee = (side * 0.046, 0.5 - 0.235 * math.cos(hip), 0.235 * math.sin(hip))
    shin = hip - bend
    ankle = (side * 0.045, knee[1] - 0.225 * math.cos(shin), knee[2] + 0.225 * math.sin(shin))
    toe = (side * 0.058, ankle[1] - 0.022 + 0.03 * max(0.0, -shin), ankle[2] + 0.085)
    heel = (side * 0.045, ankle[1] - 0.018, ankle[2] - 0.015)
    bare = person.lower_kind != 'trousers'
    loose = 0.0 if bare else 0.007
    parts = [
        project.solid(heel, toe, (0.021, 0.019), person.shoes, -2.05),
        project.solid(
            knee,
            ankle,
            (0.036 * build + loose, 0.037 * build + loose, 0.022 + loose),
            person.legs,
            -2.0,
        ),
        project.solid(top, knee, (0.062 * build, 0.039 * build + loose), person.legs, -1.99),
    ]
    if person.lower_kind == 'shorts':
        x, y, z = (a + (b - a) * person.hem * 2 for a, b in zip(top, knee))
        hem = (x, y, z) if person.hem < 0.5 else knee
        parts.append(project.solid(top, hem, (0.066 * build, 0.056 * build), person.lower, -1.9, 3))
    return parts


def _arm(person: Identity, project: _Projector, side: int) -> list[Solid]:
    """Upper arm, forearm, hand, sleeve, and a handbag where this hand carries it."""
    pose, build = project.pose, person.build
    carries = person.bag == 'handbag' and side == person.bag_side
    lift = -pose.swing * math.sin(pose.phase if side > 0 else pose.phase + math.pi)
    lift *= 0.3 if carries else 1.0
    fore = lift + (0.1 if carries else pose.elbow)
    shoulder = (side * 0.088 * person.shoulders * build**0.5, 0.797, 0.0)
    out = side * 0.03
    elbow = (shoulder[0] + out, 0.8 - 0.165 * math.cos(lift), 0.165 * math.sin(lift))
    wrist = (elbow[0] - out / 2, elbow[1] - 0.14 * math.cos(fore), elbow[2] + 0.14 * math.sin(fore))
    hand = (wrist[0], wrist[1] - 0.035 * math.cos(fore), wrist[2] + 0.035 * math.sin(fore))
    thick, cloth = 0.03 * build**0.7, paint_sleeve(person)
    parts = [project.solid(wrist, hand, (0.017, 0.015), person.skin, 0.02)]
    covered = cloth if person.sleeve > 1.5 else person.skin
    parts.append(project.solid(elbow, wrist, (thick * 0.92, 0.02), covered, 0.025))
    reach = min(person.sleeve, 1.0)
    if reach < 1:
        parts.append(project.solid(shoulder, elbow, (thick, thick * 0.9), person.skin, 0.03))
    if reach < 0.2:
        return parts + (_bag(person, project, hand) if carries else [])
    cuff = tuple(a + (b - a) * reach for a, b in zip(shoulder, elbow))
    parts.append(project.solid(shoulder, cuff, (thick, thick * 1.16, thick * 1.12), cloth, 0.035))
    if person.sleeve == 1.3:
        half = tuple((a + b) / 2 for a, b in zip(elbow, wrist))
        parts.append(project.solid(elbow, half, (thick * 1.1, thick), cloth, 0.03))
    return parts + (_bag(person, project, hand) if carries else [])


def _bag(person: Identity, project: _Projector, hold: tuple[float, float, float]) -> list[Solid]:
    """A bag hanging below `hold`, with its strap."""
    size = 0.05 * person.bag_size
    half = project.width(0.4 * size, 1.1 * size) / (STRETCH * project.size)
    top = (hold[0], hold[1] - 0.05, hold[2])
    bottom = (hold[0], hold[1] - 0.05 - 1.7 * size, hold[2])
    bag = project.solid(top, bottom, (half * 0.85, half, half), person.bag_colour, 0.04, 5)
    return [project.solid(hold, top, (0.006, half * 0.6), person.bag_colour, 0.03, 3), bag]


def _torso(person: Identity, project: _Projector) -> list[Solid]:
    """Upper garment, waist, skirt and a shoulder bag."""
    build, broad = person.build, person.shoulders * person.build**0.5
    bottom = 0.47 - person.coat
    flare = 0.003 + person.coat * 0.06
    outline = (
        (0.04, 0.04),
        (0.087 * broad, 0.055),
        (0.104 * broad, 0.066),
        (0.1 * broad, 0.071),
        (0.092 * build, 0.07),
        (0.086 * build, 0.068),
        (0.09 * build, 0.07),
        (0.094 * build + flare, 0.074 * build + flare),
    )
    profile = tuple(project.width(*pair) for pair in outline)
    (neck, _), (hem, _) = project(0, 0.845, 0), project(0, bottom, 0)
    solids = [Solid(neck, hem, profile, paint_torso(person, project.pose.yaw), 0.0, 6)]
    girth = project.width(0.09 * build, 0.07 * build) / (STRETCH * project.size)
    waist = (0.92 * girth, girth)
    if person.lower_kind == 'skirt':
        end = 0.5 - 0.46 * person.hem
        wide = waist[1] + 0.05 * person.hem
        solids.append(
            project.solid((0, 0.54, 0), (0, end, 0), (*waist, wide), person.lower, -1.0, 6)
        )
    else:
        solids.append(project.solid((0, 0.54, 0), (0, 0.475, 0), waist, person.lower, -1.0, 2))
    if person.bag == 'shoulder':
        side = person.bag_side * 0.115 * build
        solids += _bag(person, project, (side, 0.56, 0.0))
    return solids


def _head(person: Identity, project: _Projector) -> list[Solid]:
    """Neck, head, and what hangs from it or sits on it."""
    egg = tuple(0.047 * w for w in (0.66, 0.9, 1.0, 1.03, 1.0, 0.9, 0.76, 0.55))
    nod = 0.012
    top, chin = (0, 0.99, nod), (0, 0.862, nod)
    solids = [
        project.solid((0, 0.88, 0), (0, 0.82, 0), (0.03, 0.034), person.skin, 0.01),
        project.solid(top, chin, egg, paint_head(person, project.pose.yaw), 0.02, 1.9),
    ]
    tail = {'long': 0.74, 'bob': 0.84}.get(person.hair_style)
    if tail is not None:
        back = project.solid((0, 0.93, -0.02), (0, tail, -0.05), (0.046, 0.054, 0.05), person.hair)
        solids.append(back._replace(depth=0.2 if project.cos < 0.1 else -0.1))
    if person.hair_style == 'bun' and person.hat is None:
        solids.append(
            project.solid((0, 0.975, -0.05), (0, 0.95, -0.06), (0.022, 0.022), person.hair)
        )
    if person.hat is not None:
        shade = darken(person.hat, 0.7)
        solids.append(project.solid((0, 0.953, 0.03), (0, 0.95, 0.08), (0.032, 0.024), shade, 0.1))
    return solids


def _backpack(person: Identity, project: _Projector) -> list[Solid]:
    """A rounded box on the back, with a pocket."""
    grow = person.bag_size
    half = project.width(0.078 * grow, 0.045 * grow) / (STRETCH * project.size)
    back = -0.085 - 0.02 * grow
    pack = project.solid(
        (0, 0.8, back),
        (0, 0.8 - 0.2 * grow, back),
        (half * 0.8, half, half, half),
        person.bag_colour,
        0.0,
        4,
    )
    if project.cos > -0.4:
        return [pack]
    dark = darken(person.bag_colour, 0.75)
    low = 0.8 - 0.19 * grow
    return [
        pack,
        project.solid(
            (0, low + 0.08, back), (0, low, back), (half * 0.75, half * 0.75), dark, 0.03, 4
        ),
    ]
