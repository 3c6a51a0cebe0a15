"""Shared fixtures; real data is used where an environment variable names it."""
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import reid_fusedloss  # noqa: F401
from mmengine.registry import init_default_scope

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True, scope='session')
def _scope_and_threads():
    """As in a run: mmpretrain's scope; one thread, since tests share their machine."""
    torch.set_num_threads(1)
    init_default_scope('mmpretrain')


@pytest.fixture(scope='session')
def repository() -> Path:
    return REPOSITORY


@pytest.fixture
def make_images():
    """Write small images of the given names (noise, each its own) and return their folder."""

    def make(folder: Path, names, size=(32, 16)) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(names):
            image = np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)
            (folder / name).write_bytes(cv2.imencode('.jpg', image)[1].tobytes())
        return folder

    return make


def _folder_from(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f'{variable} is not set')
    return Path(value)


@pytest.fixture(scope='session')
def market1501_root() -> Path:
    return _folder_from('MARKET1501_ROOT')


@pytest.fixture(scope='session')
def vehicles_root() -> Path:
    return _folder_from('VEHICLE_REID_ROOT')
