"""A tiny model, not trained, and a few drawn pedestrians."""

import pytest
import torch
from mmengine.registry import MODELS

from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.apis.gallery import model_id, update_gallery
from reid_fusedloss.search import GalleryIndex
from reid_fusedloss.web import Answers
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


@pytest.fixture(scope='package')
def answers(folder, inferencer):
    """On a gallery of all test images."""
    index = GalleryIndex(inferencer.feat_dims, model=model_id(inferencer))
    assert not update_gallery(
        index, inferencer, [str(folder / 'data' / 'bounding_box_test')]
    ).unreadable
    return Answers(inferencer, index)
