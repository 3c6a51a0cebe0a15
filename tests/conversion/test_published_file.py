"""A published file as it is, on real images, against features that others made with it."""

from pathlib import Path

import numpy as np
import pytest

from reid_fusedloss.apis import ReIDInferencer
from tests.conftest import folder_from
from tests.tiny import REPOSITORY

pytestmark = pytest.mark.slow

NAME = 'osnet_x0_25_market1501'


def test_osnet_of_torchreid_on_market1501(market1501_root):
    weights = folder_from('REID_WEIGHTS_DIR') / f'{NAME}.pth'
    recorded = np.load(folder_from('REID_FEATURES_DIR') / f'{NAME}.npz')
    names = [Path(str(name)).name for name in recorded['query_names'][::100]]
    expected = recorded['query_f'][::100]
    inferencer = ReIDInferencer(
        REPOSITORY / 'configs/published/torchreid_osnet_x0_25.py',
        weights,
        'cpu',
        normalize=False,
        progress=False,
    )
    found = inferencer([market1501_root / 'query' / name for name in names])
    assert found.features.shape == expected.shape == (34, 512)
    np.testing.assert_allclose(found.features, expected, atol=1e-5 * np.abs(expected).max())
