"""A tiny model, not trained, and a few drawn pedestrians."""
import pytest
import torch
from mmengine.registry import MODELS

from reid_fusedloss.apis import ReIDInferencer
from tests.tiny import tiny_config


@pytest.fixture(scope='package')
def folder(tmp_path_factory):
    """Folder with a config tiny.py, its weights a.pth and the images data/{query,...}."""
    pytest.importorskip('faiss')
    folder = tmp_path_factory.mktemp('web')
    cfg = tiny_config(folder / 'data', folder / 'work')
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(), meta={}), folder / 'a.pth')
    cfg.dump(folder / 'tiny.py')
    (folder / 'broken.jpg').write_text('no image')
    return folder


@pytest.fixture(scope='package')
def inferencer(folder):
    return ReIDInferencer(folder / 'tiny.py', folder / 'a.pth', 'cpu', progress=False)
