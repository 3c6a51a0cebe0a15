"""Weights and images by a formula, the same wherever a network is run."""

import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

RECORDED = Path(__file__).resolve().parent / 'recorded'
POWER = 2.5  # of a generalized mean
EXACT = 1e-5


def draw_weights(shapes: Mapping[str, tuple[int, ...]], gain: float = 0.6) -> dict[str, Tensor]:
    """Weights of these names and shapes, in float64.

    `gain`, the mean of the weights of normalisations, is chosen so that activations are of order 1.
    """
    return {
        name: torch.from_numpy(_draw(name, tuple(shape), gain)) for name, shape in shapes.items()
    }


def _draw(name: str, shape: tuple[int, ...], gain: float) -> np.ndarray:
    leaf = name.rsplit('.', 1)[-1]
    if leaf == 'num_batches_tracked':
        return np.array(1)
    if leaf == 'p':
        return np.array([POWER])
    random = np.random.RandomState(zlib.crc32(name.encode()))
    uniform = random.random_sample(math.prod(shape)).reshape(shape)
    if leaf in ('running_var', 'pixel_std'):
        return 0.5 + uniform
    if leaf == 'weight' and len(shape) == 1:
        return gain * (0.5 + uniform)
    if leaf.endswith('weight'):
        spread = 6 if shape[0] > 1 else 0.1  # one channel: a non-local block, a third power
        return (2 * uniform - 1) * math.sqrt(spread / math.prod(shape[1:]))
    return (uniform - 0.5) / 2


def draw_images(number: int, height: int, width: int) -> Tensor:
    """Normalised images (number, 3, height, width), in float64."""
    random = np.random.RandomState(number * height + width)
    return torch.from_numpy(random.standard_normal((number, 3, height, width)))


def read_record(name: str) -> tuple[dict[str, tuple[int, ...]], dict]:
    """Names and shapes of an original's weights; its features and the size of its images."""
    record = np.load(RECORDED / f'{name}.npz')
    shapes = json.loads(zlib.decompress(record['shapes'].tobytes()))
    return shapes, {key: record[key] for key in record.files if key != 'shapes'}


def thin(features: Tensor) -> np.ndarray:
    """At most about 128 of the values of each feature, evenly spaced."""
    return features[:, :: max(1, features.shape[1] // 128)].numpy()


def assert_close(found: Tensor, recorded: np.ndarray) -> None:
    """To 1e-5 of the largest value."""
    values = thin(found)
    assert values.shape == recorded.shape and np.isfinite(recorded).all()
    assert np.abs(values - recorded).max() <= EXACT * np.abs(recorded).max()
