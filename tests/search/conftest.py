"""A tiny model, not trained: whom it takes for whom does not matter here."""

import shutil

import pytest
import torch
from mmengine.registry import DATASETS, MODELS

from reid_fusedloss.apis import ReIDInferencer
from tests.tiny import tiny_config


@pytest.fixture(scope='package')
def tiny_run(tmp_path_factory):
    """Folder with config.py, weights.pth and, in data/, the images of a tiny data set."""
    folder = tmp_path_factory.mktemp('search')
    cfg = tiny_config(folder / 'data', folder / 'work')
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    torch.save(MODELS.build(cfg.model).state_dict(), folder / 'weights.pth')
    cfg.dump(folder / 'config.py')
    DATASETS.build(cfg.test_dataloader.dataset).full_init()
    return folder


@pytest.fixture
def images(tiny_run, tmp_path):
    """A gallery to change, and queries: one known by name, one not, one broken."""
    shutil.copytree(tiny_run / 'data' / 'bounding_box_test', tmp_path / 'gallery')
    first, second = sorted((tiny_run / 'data' / 'query').iterdir())[:2]
    (tmp_path / 'query').mkdir()
    shutil.copy(first, tmp_path / 'query')
    shutil.copy(second, tmp_path / 'query' / 'who.png')
    (tmp_path / 'query' / 'zz broken.jpg').write_text('no image')
    return tmp_path


@pytest.fixture(scope='package')
def inferencer(tiny_run):
    return ReIDInferencer(tiny_run / 'config.py', tiny_run / 'weights.pth', 'cpu', progress=False)


@pytest.fixture
def embedded(inferencer, monkeypatch):
    """Images that went through the network."""
    calls, embed = [], ReIDInferencer.embed
    monkeypatch.setattr(
        ReIDInferencer,
        'embed',
        lambda self, samples: (calls.extend(samples), embed(self, samples))[1],
    )
    return calls
