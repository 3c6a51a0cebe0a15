"""A threshold keeps the rate that was asked for, on people it has not seen: real features.

Needs the folder REID_FEATURES_DIR names. Of the images of 250 strangers about eleven pass at 1 %,
often several of one person: so rates are means over ten splits of the identities.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from reid_fusedloss.evaluation import load_features

FOLDER = os.environ.get('REID_FEATURES_DIR')
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools' / 'benchmark'))

import open_set  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason='REID_FEATURES_DIR names no folder of features'),
]


@pytest.mark.parametrize(
    'name, by',
    [
        ('osnet_x0_25_market1501', 'images'),
        ('omz_person-reidentification-retail-0287_market', 'people'),
    ],
)
def test_the_measured_rate_is_within_a_factor_of_two(name, by):
    path = Path(FOLDER, f'{name}.npz')
    if not path.is_file():
        pytest.skip(f'{path} does not exist')
    features, runs = load_features(path), {}
    distances = open_set.all_distances(features)
    for seed in range(10):
        parts = open_set.split(features, seed)
        chosen, strangers = (
            set(features.query_pids[rows].tolist())
            for rows in (parts.validation[0], parts.strangers)
        )
        assert not chosen & strangers and len(strangers) == 250
        assert not strangers & set(features.gallery_pids[parts.gallery].tolist())
        for key, measured in open_set.measure(features, distances, seed, draws=(by,)):
            runs.setdefault(key, []).append(measured)
    assert {key[1:] for key in runs} == {
        (size, rate) for size in (500, 2000, None) for rate in (0.01, 0.1)
    }
    for (_, _, rate), measured in runs.items():
        mean = open_set.Measured(*np.mean(measured, axis=0))
        assert rate / 2 <= mean.fpir <= 2 * rate
        assert 0.3 < mean.dir < 1 and mean.fpir_of_pairs > 30 * rate * (rate < 0.1)
