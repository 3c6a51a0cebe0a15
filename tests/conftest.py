"""Shared fixtures; real data is used where an environment variable names it.

PyTorch and MMEngine are imported inside the fixtures: xdist's first process loads this file too, and
runs no test.
"""

import gc
import os
import signal
import time
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import cv2
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True, scope='session')
def _scope_and_threads():
    """As in a run: mmpretrain's scope; one thread, since tests share their machine."""
    import torch
    from mmengine.registry import init_default_scope

    import reid_fusedloss  # noqa: F401

    torch.set_num_threads(1)
    init_default_scope('mmpretrain')


@pytest.fixture(autouse=True, scope='session')
def _cache(tmp_path_factory):
    """Graphs of models are not kept in the user's cache."""
    with patch.dict(os.environ, REID_CACHE_DIR=str(tmp_path_factory.mktemp('cache'))):
        yield


@pytest.fixture(autouse=True, scope='session')
def _interrupts():
    """A process that a shell starts in the background ignores Ctrl-C, and so do its children."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope='session')
def _garbage(_runs):
    """What is imported is no garbage, and need not be gone through in each collection."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True, scope='session')
def _runs():
    """Runs in this process: each has a second of its own, and none what takes longer than a run.

    MMEngine names a run, and what it has logged, by the second in which it starts. It lays out the
    config, asks the compiler for its version and collects garbage for each data set, and our report
    draws pictures; so they do still in the tests that start processes.
    """
    from mmengine.config import config
    from mmengine.runner import runner

    from reid_fusedloss.engine.hooks.report_hook import ReIDReportHook

    last = 0.0

    def next_second():
        nonlocal last
        last = max(last + 1, time.time())
        return last

    clock = SimpleNamespace(time=next_second, strftime=time.strftime, localtime=time.localtime)
    formatter = (
        'mmengine.config.config.FormatCode'
        if hasattr(config, 'FormatCode')
        else 'yapf.yapflib.yapf_api.FormatCode'
    )  # of the other family, imported when needed
    with (
        patch('mmengine.runner.runner.time', clock),
        patch('mmengine.runner.runner.collect_env', cache(runner.collect_env)),
        patch(formatter, lambda code, **_: (code, True)),
        patch('mmengine.dataset.base_dataset.gc', SimpleNamespace(collect=lambda: 0)),
        patch.object(ReIDReportHook, '_draw', staticmethod(_pixels(ReIDReportHook._draw))),
    ):
        yield


def _pixels(draw):
    """Draw pictures of one pixel: the real ones take six times as long as a tiny training."""
    from reid_fusedloss.visualization import save_curves, save_ranking_lists

    def pixel(source, target: Path, **options) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), np.zeros((1, 1, 3), np.uint8))

    def quick(runner, save, *args, **options):
        draw(runner, pixel if save in (save_curves, save_ranking_lists) else save, *args, **options)

    quick.real = draw
    return quick


@pytest.fixture(scope='session')
def real_pictures(_runs):
    """Let the runs in a context draw their pictures: `with real_pictures: ...`."""
    from reid_fusedloss.engine.hooks.report_hook import ReIDReportHook

    return patch.object(ReIDReportHook, '_draw', staticmethod(ReIDReportHook._draw.real))


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


def folder_from(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f'{variable} is not set')
    return Path(value)


@pytest.fixture(scope='session')
def market1501_root() -> Path:
    return folder_from('MARKET1501_ROOT')


@pytest.fixture(scope='session')
def vehicles_root() -> Path:
    return folder_from('VEHICLE_REID_ROOT')
