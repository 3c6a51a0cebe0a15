"""A tiny training, and its model in an inferencer."""

import pytest
from mmengine.runner import Runner

from reid_fusedloss.apis import ReIDInferencer
from tests.tiny import tiny_config


@pytest.fixture(scope='package')
def trained(tmp_path_factory):
    """Folder of a tiny training and, beside it, the features that a test of it wrote."""
    folder = tmp_path_factory.mktemp('inferencer')
    cfg = tiny_config(folder / 'data', folder / 'work', train_cfg__max_epochs=1)
    cfg.test_evaluator = dict(type='reid_fusedloss.SaveEmbeddings', path=str(folder / 'f.npz'))
    runner = Runner.from_cfg(cfg)
    runner.train()
    runner.test()
    return folder


@pytest.fixture(scope='package')
def inferencer(trained):
    return ReIDInferencer(trained / 'work', device='cpu', batch_size=3, progress=False)
