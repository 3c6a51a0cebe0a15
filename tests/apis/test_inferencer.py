"""The inferencer against the Runner's own test loop, image by image."""
import numpy as np
import pytest
from mmengine.runner import Runner

from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.evaluation import load_features
from tests.tiny import tiny_config


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Folder of a tiny training and, beside it, the features that a test of it wrote."""
    folder = tmp_path_factory.mktemp('inferencer')
    cfg = tiny_config(folder / 'data', folder / 'work', train_cfg__max_epochs=1)
    cfg.test_evaluator = dict(type='reid_fusedloss.SaveEmbeddings', path=str(folder / 'f.npz'))
    runner = Runner.from_cfg(cfg)
    runner.train()
    runner.test()
    return folder


def test_features_are_those_of_a_test(trained):
    extraction = ReIDInferencer(trained / 'work', device='cpu', batch_size=3, progress=False)(
        [trained / 'data' / 'query', trained / 'data' / 'bounding_box_test'])
    expected = load_features(trained / 'f.npz')
    wanted = np.concatenate([expected.query, expected.gallery])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert extraction.features.dtype == np.float32 and not extraction.unreadable
    kept = [i for i, name in enumerate(extraction.names) if '/-1_' not in name]
    np.testing.assert_allclose(extraction.features[kept], wanted, atol=1e-5)
