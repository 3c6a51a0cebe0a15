"""Figures on real Market-1501 features; needs the folder REID_FEATURES_DIR names.

Each file holds query_f (3368, C), gallery_f (15913, C) and their _label and _cam arrays.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from reid_fusedloss.functional.ranking.evaluate import evaluate_ranking
from reid_fusedloss.functional.reranking.rerank import k_reciprocal_rerank
from tests.oracles import ranking as oracle

FOLDER = os.environ.get('REID_FEATURES_DIR')
OSNET, OMZ = 'osnet_x0_25_market1501', 'omz_person-reidentification-retail-0287_market'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason='REID_FEATURES_DIR names no folder of features'),
]


def load(name: str) -> tuple[np.ndarray, ...]:
    path = Path(FOLDER) / f'{name}.npz'
    if not path.is_file():
        pytest.skip(f'{path} does not exist')
    with np.load(path) as data:
        return tuple(
            data[key]
            for key in (
                'query_f',
                'gallery_f',
                'query_label',
                'gallery_label',
                'query_cam',
                'gallery_cam',
            )
        )


@pytest.mark.parametrize(
    'name, options, expected',
    [
        (OSNET, dict(distance='euclidean'), dict(R1=91.18, mAP=74.94)),
        (OSNET, dict(distance='cosine'), dict(R1=91.48, mAP=77.39, mINP=43.73)),
        (OSNET, dict(rerank={}), dict(R1=93.47, mAP=89.73)),
        (OMZ, dict(distance='cosine'), dict(R1=93.08, mAP=76.60, mINP=37.22)),
        (OMZ, dict(rerank=dict(k1=20, k2=6, lambda_value=0.3)), dict(R1=94.54, mAP=90.69)),
    ],
)
def test_figures(name: str, options: dict, expected: dict) -> None:
    metrics = evaluate_ranking(*load(name), **options)
    assert {key: metrics[key] for key in expected} == pytest.approx(expected, abs=0.02)
    assert metrics['num_valid_queries'] == 3368


@pytest.mark.parametrize('name', [OSNET, OMZ])
def test_reranking_equals_the_classic_on_a_part(name: str) -> None:
    query, gallery, *_ = load(name)
    query, gallery = query[:40], gallery[3000:3500]
    distances = oracle.euclidean_of_normalised(np.concatenate([query, gallery]))
    expected = oracle.k_reciprocal(distances, len(query), 20, 6, 0.3)
    result = k_reciprocal_rerank(query, gallery).numpy()
    np.testing.assert_allclose(result, expected, atol=1e-6, rtol=0)
