"""Single-gallery-shot CMC: by hand, against all draws, in blocks, bad input."""

from collections.abc import Sequence

import numpy as np
import pytest

from reid_fusedloss.functional.ranking.matching import GalleryMatches
from reid_fusedloss.functional.ranking.single_shot import SingleGalleryShot
from tests.oracles import protocols as oracle
from tests.oracles.ranking import random_case

TOPK = (1, 2, 3, 50)


def single_shot(
    distances: np.ndarray,
    *labels: Sequence,
    topk: Sequence[int] = TOPK,
    trials: int = 10,
    seed: int = 0,
    size: int = 256,
) -> dict[str, float]:
    observer, matches = SingleGalleryShot(topk, trials, seed), GalleryMatches(*labels)
    for first in range(0, len(distances), size):
        observer.update(first, distances[first : first + size], matches)
    return observer.summarise()


def small_case(seed: int, levels: int, cameras: int) -> tuple:
    """Distances (6, 13) and labels: few enough draws to try them all."""
    distances, query_pids, gallery_pids, *camids = random_case(seed, levels, cameras)
    gallery_pids = gallery_pids[:13] % 5
    if cameras:
        camids = camids[0][:6], camids[1][:13]
    return distances[:6, :13], query_pids[:6], gallery_pids, *camids


def test_by_hand() -> None:
    # Query 'a': 0 is junk; 1 and 2 are positives, 3 and 4 are of 'b', 5 of 'c'. With image 1 the
    # rank is 1; with image 2 it is 2 behind 3, and 1 ahead of 4. 5 is never nearer.
    # Query 'd' has no image and does not count.
    distances = np.array([[0.0, 0.1, 0.4, 0.3, 0.5, 0.9], [0.0, 0.1, 0.4, 0.3, 0.5, 0.9]])
    labels = ['a', 'd'], ['a', 'a', 'a', 'b', 'b', 'c'], [0, 0], [0, 1, 2, 0, 0, 0]
    exact = oracle.expected_single_shot(distances, *labels, topk=TOPK)
    assert exact == {
        'single_shot_R1': 75,
        'single_shot_R2': 100,
        'single_shot_R3': 100,
        'single_shot_R50': 100,
    }
    metrics = single_shot(distances, *labels, trials=4000)
    assert metrics.pop('single_shot_R1') == pytest.approx(75, abs=4 * 50 / 4000**0.5)
    assert metrics == {'single_shot_R2': 100, 'single_shot_R3': 100, 'single_shot_R50': 100}


@pytest.mark.parametrize('levels', [0, 1, 2, 10])
@pytest.mark.parametrize('cameras', [0, 3])
def test_one_image_per_identity_leaves_nothing_to_chance(levels: int, cameras: int) -> None:
    distances, query_pids, _, *camids = random_case(levels, levels, cameras)
    labels = query_pids, np.random.RandomState(levels).permutation(40), *camids
    exact = oracle.expected_single_shot(distances, *labels, topk=TOPK)
    assert single_shot(distances, *labels, trials=3) == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize('levels', [0, 1, 3])
@pytest.mark.parametrize('cameras', [0, 3])
def test_mean_of_many_draws_is_the_expectation(levels: int, cameras: int) -> None:
    case = small_case(levels, levels, cameras)
    exact = oracle.expected_single_shot(*case, topk=TOPK)
    assert 5 < exact['single_shot_R1'] < 95
    metrics = single_shot(*case, trials=10000)
    assert metrics == pytest.approx(exact, abs=4 * 50 / 10000**0.5)


def test_equal_distances_are_ordered_by_gallery_index() -> None:
    distances = np.full((1, 4), 0.5)
    assert single_shot(distances, [1], [1, 2, 3, 4], topk=[1])['single_shot_R1'] == 100
    metrics = single_shot(distances, [1], [2, 3, 1, 4], topk=[1, 2, 3])
    assert list(metrics.values()) == [0, 0, 100]


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_blocks_change_nothing(dtype: type) -> None:
    distances, *labels = random_case(5, levels=9)
    distances = distances.astype(dtype)
    before = distances.copy()
    expected = single_shot(distances, *labels)
    for size in (1, 5, 11):
        assert single_shot(distances, *labels, size=size) == expected
    assert np.array_equal(distances, before)


@pytest.mark.parametrize('options, second', [({}, 50), (dict(ap='trapezoid'), 25)])
def test_precision_of_one_positive(options: dict, second: float) -> None:
    for distances, expected in (([0.1, 0.2], 100), ([0.2, 0.1], second)):
        observer = SingleGalleryShot((1,), prefix='', **options)
        observer.update(0, np.array([distances]), GalleryMatches([1], [1, 2]))
        found = observer.summarise()
        inverse, first = (100, 100) if expected == 100 else (50, 0)
        assert found == dict(mAP=expected, mINP=inverse, R1=first, num_valid_queries=1)


@pytest.mark.parametrize('levels', [0, 3])
def test_junk_of_other_identities_is_left_out(levels: int) -> None:
    """One image an identity, so that nothing is drawn; places 0 and 2 are one."""
    distances, query_pids, _, *camids = random_case(levels, levels, 3)
    labels = [query_pids, np.random.RandomState(levels).permutation(40), *camids]
    sides = (dict(pid=labels[i], camid=labels[i + 2]) for i in (0, 1))
    rows = [oracle.rows_of(side) for side in sides]
    observer = SingleGalleryShot(TOPK)
    matches = GalleryMatches(*labels, protocol=dict(type='camera_pairs', pairs=[(0, 2)]))
    observer.update(0, distances, matches)
    expected = oracle.figures(distances, *rows, oracle.same_place, TOPK, 'ir')
    found = observer.summarise()
    for k in TOPK:
        assert found[f'single_shot_R{k}'] == pytest.approx(expected[f'R{k}'])


def test_the_seed_decides() -> None:
    case = random_case(2)
    assert single_shot(*case, seed=3) == single_shot(*case, seed=3) != single_shot(*case, seed=4)


def test_another_ranking_starts_anew() -> None:
    observer = SingleGalleryShot(TOPK)
    for seed in (0, 1):
        distances, *labels = random_case(seed)
        observer.update(0, distances, GalleryMatches(*labels))
    assert observer.summarise() == single_shot(*random_case(1))


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(trials=0), 'trials must be an integer >= 1, got 0'),
        (dict(trials=2.5), 'got 2.5'),
        (dict(seed=-1), 'seed must be an integer >= 0, got -1'),
        (dict(seed=None), 'got None'),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SingleGalleryShot(TOPK, **options)


def test_bad_ranks_and_nothing_to_rank() -> None:
    with pytest.raises(ValueError, match=r'\(0, 1\)'):
        SingleGalleryShot((0, 1))
    with pytest.raises(ValueError, match='no query has a positive'):
        SingleGalleryShot(TOPK).summarise()
    with pytest.raises(ValueError, match='no query has a positive'):
        single_shot(np.ones((2, 2)), [1, 3], [1, 2], [0, 0], [0, 0])
