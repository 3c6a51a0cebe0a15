"""Places that a camera looks at: ground, wall, greenery, street furniture and occluders."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .appearance import Colour, darken, dye, make_rng, pick

HEIGHT, WIDTH = 320, 900
VIEW = 256

WALLS = ('#8d8478', '#a39a8b', '#7a5a4a', '#6f7378', '#b8b0a2', '#5c6470', '#94806a')
GROUNDS = ('#8b8a86', '#77777a', '#9c948a', '#66686c', '#a39d93', '#7f7469')
GREENS = ('#3d5233', '#4a6340', '#5d7046', '#35462e')
METALS = ('#3a3d40', '#5a6066', '#8d9296', '#6b3d33', '#33465c', '#b0b3b2', '#4a5a48')


def clouds(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    """Draw smooth noise of unit variance on a grid of `cells` (rows, columns); shape `shape`."""
    grid = rng.standard_normal(cells, dtype=np.float32)
    return cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)


@lru_cache(maxsize=64)
def paint_background(seed: int, camid: int) -> np.ndarray:
    """Paint the place of a camera, wider than its images: (HEIGHT, WIDTH, 3), uint8, BGR."""
    rng = make_rng(seed, 6, camid)
    horizon = int(HEIGHT * rng.uniform(0.12, 0.52))
    image: np.ndarray = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    image[:horizon] = _paint_wall(rng, horizon)
    image[horizon:] = _paint_ground(rng, HEIGHT - horizon)
    for _ in range(int(rng.integers(5, 10))):
        _place_object(rng, image, horizon)
    image[horizon - 2 : horizon + 3] *= 0.6
    image *= (1 + 0.09 * clouds(rng, (HEIGHT, WIDTH), (4, 10)))[..., None]
    image += 5 * clouds(rng, (HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2))[..., None]
    image = cv2.GaussianBlur(image, (0, 0), 1.3)
    image = np.clip(image, 0, 255).astype(np.uint8)
    image.setflags(write=False)
    return image


def _paint_wall(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Paint bricks, plaster with windows, shop fronts or a hedge; shape (rows, WIDTH, 3)."""
    kind = pick(rng, ('bricks', 'windows', 'shop', 'hedge', 'plaster'))
    if kind == 'hedge':
        leaves = clouds(rng, (rows, WIDTH), (max(4, rows // 5), WIDTH // 6))
        bushes = clouds(rng, (rows, WIDTH), (3, 14))
        return (
            np.array(dye(rng, GREENS), np.float32) * (1 + 0.22 * leaves + 0.2 * bushes)[..., None]
        )
    wall = np.empty((rows, WIDTH, 3), np.float32)
    wall[:] = dye(rng, WALLS)
    y, x = np.mgrid[:rows, :WIDTH]
    if kind == 'bricks':
        shifted = x + 11 * ((y // 9) % 2)
        tone = rng.normal(1, 0.09, (rows // 9 + 1, WIDTH // 22 + 2))[y // 9, shifted // 22]
        joint = (y % 9 < 1) | (shifted % 22 < 1)
        wall *= (tone * np.where(joint, 0.78, 1))[..., None]
    elif kind in ('windows', 'shop'):
        step, gap = (int(rng.integers(70, 120)), 30) if kind == 'windows' else (150, 9)
        pane = (x % step > gap) & (y > rows * 0.12) & (y < rows * (0.7 if gap == 30 else 0.92))
        frame = pane & ((x % step < gap + 4) | (x % step > step - 4))
        glass = np.array(dye(rng, ('#3b4650', '#56636c', '#2c3238', '#8a9498')), np.float32)
        wall[pane] = (glass * (1 + 0.25 * clouds(rng, (rows, WIDTH), (4, 40)))[..., None])[pane]
        wall[frame] *= 1.7
    return wall


def _paint_ground(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Paint slabs, asphalt with a marking, or setts in perspective; shape (rows, WIDTH, 3)."""
    kind = pick(rng, ('slabs', 'slabs', 'asphalt', 'setts'))
    y, x = np.mgrid[:rows, :WIDTH].astype(np.float32)
    far = 260 / (y + 60)
    across, along = (x - WIDTH / 2) * far / 34, far * 5
    ground = np.array(dye(rng, GROUNDS), np.float32) * np.ones((rows, WIDTH, 1), np.float32)
    if kind == 'asphalt':
        ground *= (0.8 + 0.06 * clouds(rng, (rows, WIDTH), (rows, WIDTH // 2)))[..., None]
        line = np.abs(across - rng.uniform(-6, 6)) < 0.18
        ground[line] = dye(rng, ('#d5d3c8', '#c9b458'))
        return ground
    if kind == 'setts':
        across, along = across * 3, along * 2.2
    column, row = np.floor(across).astype(int), np.floor(along).astype(int)
    tones = rng.normal(1, 0.06, (64, 64))
    joint = (across - column < 0.06) | (along - row < 0.1)
    ground *= (tones[row % 64, column % 64] * np.where(joint, 0.75, 1))[..., None]
    if rng.random() < 0.4:
        kerb = rows * rng.uniform(0.0, 0.25)
        ground[(y > kerb) & (y < kerb + 5)] *= 1.25
    return ground


def _place_object(rng: np.random.Generator, image: np.ndarray, horizon: int) -> None:
    """Put a pole, door, bench, car, bush, bicycle or sign somewhere near the horizon."""
    kind = pick(rng, ('pole', 'door', 'bench', 'car', 'bush', 'bicycle', 'sign', 'bin'))
    x = int(rng.integers(20, WIDTH - 20))
    foot = horizon + int(rng.integers(2, 50))
    colour = dye(rng, METALS)
    dark = darken(colour, 0.55)
    if kind in ('pole', 'sign'):
        cv2.rectangle(image, (x, 0), (x + int(rng.integers(4, 10)), foot), colour, -1)
        if kind == 'sign':
            board = dye(rng, ('#b9bcbc', '#2f5a96', '#b03a35', '#d8c260', '#3d6b4a'))
            cv2.rectangle(image, (x - 22, 12), (x + 26, 12 + int(rng.integers(20, 50))), board, -1)
    elif kind == 'door':
        cv2.rectangle(image, (x, int(horizon * 0.2)), (x + 46, horizon), colour, -1)
        cv2.rectangle(image, (x + 6, int(horizon * 0.3)), (x + 40, int(horizon * 0.6)), dark, -1)
    elif kind == 'bench':
        for rise in (0, 9, 22):
            cv2.rectangle(image, (x, foot - rise - 5), (x + 90, foot - rise), colour, -1)
    elif kind == 'car':
        _draw_car(image, x, foot, colour)
    elif kind == 'bush':
        draw_bush(rng, image, x, foot - 20, 34)
    elif kind == 'bicycle':
        draw_bicycle(image, x, foot, 26, colour)
    else:
        cv2.rectangle(image, (x, foot - 44), (x + 28, foot), colour, -1)
        cv2.rectangle(image, (x - 2, foot - 50), (x + 30, foot - 42), dark, -1)


def _draw_car(image: np.ndarray, x: int, foot: int, colour: Colour) -> None:
    """Draw a parked car in profile, its tyres on the row `foot`, in place."""
    body = np.array(
        [
            (0, -18),
            (8, -38),
            (45, -42),
            (62, -64),
            (128, -64),
            (150, -40),
            (182, -36),
            (186, -14),
            (0, -12),
        ]
    ) + (x, foot)
    glass = np.array([(54, -43), (67, -59), (124, -59), (140, -41)]) + (x, foot)
    cv2.fillPoly(image, [body.astype(np.int32)], colour, cv2.LINE_AA)
    cv2.fillPoly(image, [glass.astype(np.int32)], (70, 62, 55), cv2.LINE_AA)
    for wheel in (36, 146):
        cv2.circle(image, (x + wheel, foot - 13), 15, (32, 30, 30), -1, cv2.LINE_AA)
        cv2.circle(image, (x + wheel, foot - 13), 8, (130, 128, 126), -1, cv2.LINE_AA)


def draw_bush(
    rng: np.random.Generator, image: np.ndarray, x: float, y: float, radius: float
) -> None:
    """Draw a shrub of leaf blobs around (x, y), in place; lengths in pixels."""
    base = np.array(dye(rng, GREENS))
    spots = rng.normal(0, 0.4, (160, 2)) * radius + (x, y)
    tones = np.exp(rng.normal(0, 0.3, 160)) * (1 - 0.3 * (spots[:, 1] - y) / radius)
    turns = rng.integers(0, 180, 160)
    leaf = max(2, int(radius * 0.14))
    for (left, top), tone, turn in zip(spots, tones, turns):
        cv2.ellipse(
            image,
            (int(left), int(top)),
            (leaf, leaf // 2 + 1),
            int(turn),
            0,
            360,
            tuple(float(c) for c in base * tone),
            -1,
        )


def draw_bicycle(image: np.ndarray, x: int, foot: int, wheel: int, colour: Colour) -> None:
    """Draw a bicycle in profile with wheels of radius `wheel`, tyres on row `foot`, in place."""
    line = max(1, wheel // 9)
    hubs = [(x, foot - wheel), (x + int(2.6 * wheel), foot - wheel)]
    for hub in hubs:
        cv2.circle(image, hub, wheel, (35, 35, 35), line, cv2.LINE_AA)
    pedals, seat = (x + wheel, foot - wheel), (x + int(0.8 * wheel), foot - int(2.2 * wheel))
    bars = (x + int(2.2 * wheel), foot - int(2.4 * wheel))
    for a, b in (
        (hubs[0], seat),
        (seat, pedals),
        (pedals, bars),
        (seat, bars),
        (bars, hubs[1]),
        (hubs[0], pedals),
    ):
        cv2.line(image, a, b, colour, line + 1, cv2.LINE_AA)


def draw_occluder(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw an object that hides a part of the picture, in place."""
    rows, columns = image.shape[:2]
    kind = pick(rng, ('pole', 'railing', 'bush', 'bicycle', 'wall'))
    colour = dye(rng, METALS)
    if kind == 'pole':
        left, wide = int(rng.uniform(0, 0.9) * columns), int(rng.uniform(0.07, 0.16) * columns)
        band = image[:, left : left + wide]
        round_off = np.sin(np.linspace(0.5, 2.8, wide, dtype=np.float32))[: band.shape[1], None]
        band[:] = np.array(colour, np.float32) * (0.4 + 0.6 * round_off)
    elif kind == 'railing':
        top, line = int(rng.uniform(0.55, 0.8) * rows), max(1, rows // 80)
        for x in range(int(rng.integers(1, 14)), columns, columns // 7):
            cv2.line(image, (x, top), (x, rows), colour, line)
        cv2.line(image, (0, top), (columns, top), colour, 2 * line)
    elif kind == 'bush':
        draw_bush(rng, image, rng.uniform(0.05, 0.95) * columns, rows * 0.95, columns * 0.42)
    elif kind == 'bicycle':
        draw_bicycle(image, int(rng.uniform(-0.4, 0.4) * columns), rows - 1, columns // 4, colour)
    else:
        top = int(rng.uniform(0.7, 0.88) * rows)
        stone = 1 + 0.08 * clouds(rng, (rows - top, columns), (12, 20))
        image[top:] = np.array(dye(rng, WALLS), np.float32) * stone[..., None]
        image[top : top + rows // 50] *= 1.3
        image[top + rows // 50 : top + rows // 40] *= 0.5
