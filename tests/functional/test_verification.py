"""TPR at FPR: by hand, against trying each threshold and scikit-learn, in blocks, bad input."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from reid_fusedloss.functional.ranking import slices
from reid_fusedloss.functional.ranking.matching import GalleryMatches
from reid_fusedloss.functional.ranking.verification import TprAtFpr, check_fprs
from tests.oracles import protocols as oracle
from tests.oracles.ranking import random_case

FPRS = (1e-3, 1e-2, 0.05, 0.3, 1.0)


def watch(
    observer: TprAtFpr, distances: np.ndarray, *labels: Sequence, size: int = 256
) -> TprAtFpr:
    matches = GalleryMatches(*labels)
    for first in range(0, len(distances), size):
        observer.update(first, distances[first : first + size], matches)
    return observer


def test_by_hand() -> None:
    # Query 'a': positives at .1 and .4, junk at .0, negatives at .2 and .3.
    # Query 'b': its only entry is junk; negatives at .4, .5, .6 and .05.
    distances = np.array([[0.1, 0.0, 0.4, 0.2, 0.3], [0.4, 0.5, 0.6, 0.05, 0.2]])
    labels = ['a', 'b'], ['a', 'a', 'a', 'c', 'b'], [1, 3], [2, 1, 2, 1, 3]
    observer = watch(TprAtFpr((0.1, 0.2, 0.5, 0.9, 1)), distances, *labels)
    # N = 6: .05 .2 .3 .4 .5 .6; 0, 1, 3, 5 and all of them are accepted.
    assert observer.thresholds() == {0.1: 0.05, 0.2: 0.2, 0.5: 0.4, 0.9: 0.6, 1: np.inf}
    assert observer.summarise() == {
        'TPR@FPR=1e-01': 0.0,
        'TPR@FPR=2e-01': 50.0,
        'TPR@FPR=5e-01': 50.0,
        'TPR@FPR=9e-01': 100.0,
        'TPR@FPR=1e+00': 100.0,
    }


@pytest.mark.parametrize('levels', [0, 1, 2, 10, 50])
@pytest.mark.parametrize('cameras', [0, 2, 3])
@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_equal_to_trying_each_threshold_and_to_scikit_learn(
    levels: int, cameras: int, dtype: type
) -> None:
    distances, *labels = random_case(levels + cameras, levels, cameras)
    distances = distances.astype(dtype)
    values, truths = oracle.pairs(distances, *labels)
    false, true, _ = roc_curve(truths, -np.array(values), drop_intermediate=False)
    observer = watch(TprAtFpr(FPRS), distances, *labels)
    metrics, thresholds = observer.summarise(), observer.thresholds()
    for fpr, (key, value) in zip(FPRS, metrics.items(), strict=True):
        assert float(key.removeprefix('TPR@FPR=')) == fpr
        assert value == pytest.approx(oracle.tpr_at_fpr(values, truths, str(fpr)), abs=1e-10)
        assert value == pytest.approx(100 * true[false <= fpr].max(), abs=1e-10)
        accepted = np.array(values) < thresholds[fpr]
        assert np.mean(accepted[~np.array(truths)]) <= fpr
        assert 100 * np.mean(accepted[truths]) == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize('fpr', ['1e-02', '7e-02', '2.9e-01', '5.7e-01'])
def test_a_rate_is_the_decimal_number_it_is_written_as(fpr: str) -> None:
    """Some of these times 100, in floating point, are just below the whole number."""
    allowed = round(100 * float(fpr))
    distances = np.arange(200.0)[None] / 200
    gallery_pids = np.arange(200) % 2
    # Positives and negatives alternate, negatives first: with n negatives, n positives.
    for kind in (float, np.float32, np.float64):
        observer = watch(TprAtFpr([kind(fpr)]), distances, [1], gallery_pids)
        assert observer.summarise() == {f'TPR@FPR={fpr}': pytest.approx(allowed)}


def test_pairs_at_the_threshold_are_refused_together() -> None:
    distances = np.array([[0.1, 0.2, 0.2, 0.2, 0.3]])
    observer = watch(TprAtFpr((0.5, 0.7)), distances, [1], [1, 1, 2, 2, 2])
    assert observer.summarise() == {'TPR@FPR=5e-01': 50.0, 'TPR@FPR=7e-01': 100.0}
    assert observer.thresholds() == {0.5: 0.2, 0.7: 0.3}


@pytest.mark.parametrize('levels', [0, 3, 40])
@pytest.mark.parametrize('fprs', [(1e-3,), (0.02, 1e-3), (0.1, 0.6), (0.4, 0.99999), (1.0,)])
def test_blocks_and_pruning_change_nothing(
    monkeypatch: pytest.MonkeyPatch, levels: int, fprs: tuple
) -> None:
    rng = np.random.RandomState(levels)
    distances = rng.rand(60, 300)
    if levels:
        distances = np.floor(distances * levels) / levels
    labels = [rng.randint(0, 9, size) for size in (60, 300)]
    labels += [rng.randint(0, 3, size) for size in (60, 300)]
    before = distances.copy()
    expected = watch(TprAtFpr(fprs), distances, *labels)
    monkeypatch.setattr(slices, 'SLICE_SIZE', 700)
    for size in (1, 7, 60):
        observer = watch(TprAtFpr(fprs), distances, *labels, size=size)
        assert observer.summarise() == expected.summarise()
        assert observer.thresholds() == expected.thresholds()
    values, truths = oracle.pairs(distances, *labels)
    negatives = sorted(np.array(values)[~np.array(truths)])
    for fpr, threshold in expected.thresholds().items():
        place = int(Fraction(str(fpr)) * len(negatives))
        assert threshold == (negatives + [np.inf])[place]
    assert np.array_equal(distances, before)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, 'SLICE_SIZE', 1000)
    distances = -np.sort(np.random.RandomState(0).rand(100000)).reshape(200, 500)
    observer = TprAtFpr((0.01,))
    matches = GalleryMatches([1] * 200, [1] * 10 + [2] * 490)
    for first in range(0, 200, 10):
        observer.update(first, distances[first : first + 10], matches)
        held = sum(map(len, observer._negatives))
        assert held <= 2 * (980 + 1) + 1000
    assert observer.thresholds() == {0.01: np.sort(distances[:, 10:].ravel())[980]}


@pytest.mark.parametrize('kept', [1, 7, 40])
def test_the_farthest_of_the_kept_negatives_is_the_threshold(
    monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """So many negatives are kept; those at exactly the reach of the last are of no more use."""
    monkeypatch.setattr(slices, 'SLICE_SIZE', 1)
    rng = np.random.RandomState(kept)
    gallery_pids = [1] * 3 + [2] * 97
    distances = rng.randint(1, 200, (6, 100)) / 200.0
    negatives = np.sort(distances[:, 3:].ravel())
    reach = negatives[kept - 1]
    distances[5, 3:10] = reach  # come last, when only what is nearer than the reach is kept
    distances[5, :3] = reach, np.nextafter(reach, 0), np.nextafter(reach, 1)
    fpr = (kept - 1) / (6 * 97) + 1e-6  # of exactly kept - 1 negative pairs
    values, truths = oracle.pairs(distances, [1] * 6, gallery_pids)
    observer = watch(TprAtFpr((fpr,)), distances, [1] * 6, gallery_pids, size=1)
    assert observer._num_needed == kept
    (threshold,) = observer.thresholds().values()
    assert threshold == np.sort(distances[:, 3:].ravel())[kept - 1]
    (found,) = observer.summarise().values()
    assert found == pytest.approx(oracle.tpr_at_fpr(values, truths, str(fpr)))


def test_the_kept_negatives_are_the_nearest_of_many() -> None:
    """NumPy sorts few numbers where it is asked to part them: the rows are long, and unsorted."""
    distances = np.random.RandomState(0).rand(2, 1500)
    matches = GalleryMatches([1, 1], [1] + [2] * 1499)
    negatives = np.sort(distances[:, 1:].ravel())
    for kept in (*range(1, 1400, 11), 2):
        observer = TprAtFpr(((kept - 1) / len(negatives) + 1e-7,))
        observer.update(0, distances[:1], matches)
        observer.update(1, distances[1:], matches)
        assert list(observer.thresholds().values()) == [negatives[kept - 1]]


def test_another_ranking_starts_anew() -> None:
    observer = watch(TprAtFpr((0.3,)), *random_case(0))
    again = watch(observer, *random_case(1)).summarise()
    assert again == watch(TprAtFpr((0.3,)), *random_case(1)).summarise()


@pytest.mark.parametrize(
    'fprs, error, message',
    [
        ((), ValueError, 'empty'),
        (1e-4, TypeError, 'sequence of false positive rates, got 0.0001'),
        ((1e-4, 0), ValueError, 'got 0'),
        ((1.5,), ValueError, 'got 1.5'),
        ((True,), ValueError, 'got True'),
        ((float('nan'),), ValueError, 'got nan'),
        (('1e-4',), ValueError, "got '1e-4'"),
        ((0.1, 0.01, 0.1), ValueError, r'twice: \(0.1, 0.01, 0.1\)'),
    ],
)
def test_bad_rates(fprs: object, error: type[Exception], message: str) -> None:
    for function in (check_fprs, TprAtFpr):
        with pytest.raises(error, match=message):
            function(fprs)


def test_nothing_to_count() -> None:
    observer = TprAtFpr((0.1,))
    with pytest.raises(ValueError, match='update with each query once'):
        observer.summarise()
    distances = np.array([[0.1, 0.2], [0.1, 0.2]])
    with pytest.raises(ValueError, match='no negative pair'):
        watch(observer, distances, [1, 1], [1, 1]).summarise()
    with pytest.raises(ValueError, match='none of the 2 queries has a positive'):
        watch(observer, distances, [1, 3], [1, 2], [0, 0], [0, 0]).summarise()
    observer.update(0, distances, GalleryMatches([1, 1, 1], [1, 2]))
    with pytest.raises(ValueError, match='update with each query once'):
        observer.thresholds()
