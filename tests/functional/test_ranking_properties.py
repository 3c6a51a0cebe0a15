"""What must hold for every ranking, on random cases."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from reid_fusedloss.functional.ranking.evaluate import cmc_map, rank_blocks
from tests.oracles.ranking import random_case


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), min_size=2, max_size=30).filter(any), st.randoms())
def test_average_precision_is_that_of_scikit_learn(hits: list[bool], random: Random) -> None:
    values = list(range(len(hits)))
    random.shuffle(values)
    distances = np.array([values], dtype=np.float32)
    metrics = cmc_map(distances, [1], np.array(hits).astype(int))
    assert metrics['mAP'] == pytest.approx(100 * average_precision_score(hits, -distances[0]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(['ir', 'trapezoid']))
def test_permuting_query_or_gallery_changes_nothing(seed: int, ap: str) -> None:
    distances, query_pids, gallery_pids, query_camids, gallery_camids = random_case(seed)
    rng = np.random.RandomState(seed)
    q, g = rng.permutation(12), rng.permutation(40)
    permuted = (
        distances[q][:, g],
        query_pids[q],
        gallery_pids[g],
        query_camids[q],
        gallery_camids[g],
    )
    assert cmc_map(*permuted, ap=ap) == pytest.approx(cmc_map(*random_case(seed), ap=ap), abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 20), st.sampled_from([0, 3]))
def test_adding_junk_changes_nothing(seed: int, number: int, levels: int) -> None:
    rng = np.random.RandomState(seed)
    distances, _, gallery_pids, _, gallery_camids = random_case(seed, levels)
    query = [2] * len(distances), [0] * len(distances)
    places = rng.randint(0, 41, number)
    junk = rng.randint(0, 3, (12, number)) / 3
    with_junk = (
        np.insert(distances, places, junk, axis=1),
        query[0],
        np.insert(gallery_pids, places, 2),
        query[1],
        np.insert(gallery_camids, places, 0),
    )
    plain = rank_blocks([distances], query[0], gallery_pids, query[1], gallery_camids)
    if plain.valid.any():
        assert cmc_map(*with_junk) == plain.summarise()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000))
def test_perfect_ranking_is_100(seed: int) -> None:
    _, query_pids, gallery_pids, *camids = random_case(seed)
    distances = np.random.RandomState(seed).rand(12, 40)
    distances += query_pids[:, None] != gallery_pids
    for ap in ('ir', 'trapezoid'):
        metrics = cmc_map(distances, query_pids, gallery_pids, *camids, ap=ap)
        assert metrics['mAP'] == metrics['mINP'] == metrics['R1'] == 100
