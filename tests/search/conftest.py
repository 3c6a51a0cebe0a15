"""A tiny model, not trained: whom it takes for whom does not matter here."""
import pytest
import torch
from mmengine.registry import DATASETS, MODELS

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
