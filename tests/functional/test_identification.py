"""Open-set rates: by hand, against plain loops, in blocks, of all galleries of a size, errors."""

import numpy as np
import pytest

from reid_fusedloss.functional import (
    DirAtFpir,
    ThresholdAtFpir,
    detection_and_identification_rate,
    evaluate_ranking,
    false_positive_identification_rate,
    threshold_at_fpir,
)
from reid_fusedloss.functional.ranking import slices
from reid_fusedloss.functional.ranking.dir_at_fpir import _curve
from reid_fusedloss.functional.ranking.gallery_units import Units, subset_survival
from reid_fusedloss.functional.ranking.identification import check_open_set, draw_strangers
from reid_fusedloss.functional.ranking.matching import GalleryMatches
from tests.oracles import identification as oracle
from tests.oracles.protocols import Observed, same_place


def watch(observer, distances, *labels, size=256):
    matches = GalleryMatches(*labels)
    for first in range(0, len(distances), size):
        observer.update(first, distances[first : first + size], matches)
    return observer


def random_case(seed, levels=0, queries=40, entries=60):
    """Distances and labels: identities 0-7 are asked for, 6 and 7 are not there, 8 is nobody."""
    rng = np.random.default_rng(seed)
    distances = rng.random((queries, entries)).astype(np.float32)
    if levels:
        distances = np.floor(distances * levels) / levels
    pids = [rng.integers(0, 8, queries), rng.choice([0, 1, 2, 3, 4, 5, 8], entries)]
    return distances, *pids, rng.integers(0, 3, queries), rng.integers(0, 3, entries)


def test_rates_by_hand():
    nearest = np.array([0.1, 0.2, 0.3, 0.4])
    assert false_positive_identification_rate(nearest, 0.3) == 0.5
    assert false_positive_identification_rate(nearest, 0.35) == 0.75
    assert threshold_at_fpir(nearest, 0.5) == pytest.approx(0.3)
    assert threshold_at_fpir(nearest, 1) == np.inf
    own, other = np.array([0.1, 0.2, 0.3, 0.5]), np.array([0.2, 0.1, 0.3, np.inf])
    assert detection_and_identification_rate(own, other, 0.6) == 0.5  # equal distances: a miss
    assert detection_and_identification_rate(own, other, 0.5) == 0.25
    with pytest.raises(ValueError, match='FPIR 0.2 needs at least 5 strangers, there are 4'):
        threshold_at_fpir(nearest, 0.2)


@pytest.mark.parametrize('levels', [0, 6])
@pytest.mark.parametrize('share, cameras', [(0.5, True), (0, False), (0.3, False)])
def test_equal_to_trying_each_threshold(levels, share, cameras):
    distances, *labels = random_case(levels, levels)
    labels = labels if cameras else labels[:2]
    observer = watch(DirAtFpir((0.3, 0.6, 1), share, trials=4, seed=3), distances, *labels)
    case, found = Observed(*labels), observer.summarise()
    asked = np.intersect1d(*labels[:2])
    for fpir in ('3e-01', '6e-01', '1e+00'):
        expected = [
            oracle.dir_at_fpir(*oracle.outcomes(distances, case, set(asked[drawn])), fpir)
            for drawn in draw_strangers(len(asked), share, 4, 3)
        ]
        assert found[f'DIR@FPIR={fpir}'] == pytest.approx(np.mean(expected), abs=1e-9)
        assert found[f'FNIR@FPIR={fpir}'] == pytest.approx(100 - np.mean(expected), abs=1e-9)


def test_the_curve_goes_through_the_rates():
    distances, *labels = random_case(0)
    observer = watch(DirAtFpir((0.1,), trials=5), distances, *labels)
    rates, found = observer.curve(200)
    fewest = min(len(nearest) for nearest, _, _ in observer.splits())
    assert rates[0] == pytest.approx(1 / fewest) and rates[-1] == 1
    assert (np.diff(found) >= 0).all()
    for place in (0, 50, 199):
        alone = DirAtFpir((float(rates[place]) * (1 + 1e-12) if place < 199 else 1.0,), trials=5)
        expected, _ = watch(alone, distances, *labels).summarise().values()
        assert found[place] == pytest.approx(expected)


def test_the_curve_by_hand():
    nearest, own = np.array([0.4, 0.1, 0.3, 0.2]), np.array([0.05, 0.15, 0.9, 0.25])
    other = np.array([1, 1, 1, 0.25])  # at an equal distance: a miss
    found = _curve(nearest, own, other, np.array([0.25, 0.5, 0.75, 1]))
    assert found.tolist() == [50, 50, 50, 75]  # below .2, .3, .4 and inf
    assert (DirAtFpir().fpirs, DirAtFpir().share, DirAtFpir().trials) == ((0.01, 0.1), 0.5, 10)
    rates, _ = watch(DirAtFpir((0.3,)), *random_case(0)).curve()
    assert rates.shape == (100,)


def test_the_nearest_of_a_stranger_may_be_nobody():
    """Of three queries two have no entry; of two entries one is of an identity without a query."""
    distances = np.array([[0.2, 0.3], [0.5, 0.1], [0.4, 0.6]])
    observer = watch(DirAtFpir((1,), strangers=0, trials=1), distances, [0, 1, 1], [0, 2])
    ((nearest, own, other),) = observer.splits()
    assert (nearest.tolist(), own.tolist(), other.tolist()) == ([0.1, 0.4], [0.2], [0.3])
    assert '2 queries of strangers, 1 of known people, 2 gallery entries' in observer.describe()
    assert '0 of 1 identities are left out' in observer.describe()


def test_a_gallery_of_all_entries_is_the_whole_one_and_an_empty_one_knows_nobody():
    distances, *labels = random_case(0)
    found = watch(DirAtFpir((0.3, 0.6), 0, gallery_sizes=(60,)), distances, *labels)
    assert all(gallery.groups.all() for gallery in found._galleries)
    for fpir in ('3e-01', '6e-01'):
        assert found.summarise()[f'DIR@FPIR={fpir},G=60'] == found.summarise()[f'DIR@FPIR={fpir}']
    labels[1][labels[1] == 8] = 0  # without distractors the smallest unit is a person of several
    with pytest.raises(ValueError, match='0 of known people'):
        watch(DirAtFpir((0.3,), gallery_sizes=(1,)), distances, *labels).summarise()


def test_strangers_depend_on_the_seed_and_the_labels_alone(monkeypatch):
    first = draw_strangers(9, 0.5, 20, 7)
    np.testing.assert_array_equal(first, draw_strangers(9, 0.5, 20, 7))
    assert (first.sum(axis=1) == 4).all() and len(np.unique(first, axis=0)) > 10
    assert not np.array_equal(first, draw_strangers(9, 0.5, 20, 8))
    distances, *labels = random_case(1)
    expected = watch(DirAtFpir((0.1,)), distances, *labels).summarise()
    monkeypatch.setattr(slices, 'SLICE_SIZE', 130)
    order = np.random.default_rng(0).permutation(40)
    turned = [labels[0][order], labels[1][::-1], labels[2][order], labels[3][::-1]]
    assert (
        watch(DirAtFpir((0.1,)), distances[order][:, ::-1], *turned, size=7).summarise() == expected
    )
    renamed = [np.array([f'id {pid}' for pid in column]) for column in labels[:2]]
    assert watch(DirAtFpir((0.1,)), distances, *renamed, *labels[2:]).summarise() == expected


def test_a_distractor_is_nobody_and_always_there():
    distances, *labels = random_case(2)
    observer = watch(DirAtFpir((0.5,), trials=30), distances, *labels)
    assert observer.drawn.shape == (30, 6)  # identities 0 to 5, and not 8
    assert 'mean of 30 splits, seed 0' in observer.describe()
    distances[:, labels[1] == 8] = 0.0
    nearer = watch(DirAtFpir((0.5,), trials=30), distances, *labels)
    assert all((nearest == 0).all() for nearest, _, _ in nearer.splits())
    assert nearer.summarise()['DIR@FPIR=5e-01'] == 0


@pytest.mark.parametrize('levels', [0, 6])
@pytest.mark.parametrize('rule', [None, same_place])
def test_smaller_galleries_equal_plain_loops(levels, rule):
    distances, *labels = random_case(levels + 1, levels)
    options = {} if rule is None else dict(protocol=dict(type='camera_pairs', pairs=[(0, 2)]))
    observer = DirAtFpir((0.3, 0.6), trials=4, seed=3, gallery_sizes=(12, 24))
    observer.update(0, distances, GalleryMatches(*labels, **options))
    found, case = observer.summarise(), Observed(*labels, rule=rule)
    asked, previous = np.intersect1d(*labels[:2]), {}
    for size in (12, 24):
        trials = [gallery for gallery in observer._galleries if gallery.size == size]
        expected = {'3e-01': [], '6e-01': []}
        for trial, (gallery, drawn) in enumerate(zip(trials, observer.drawn)):
            enrolled = set(asked[gallery.groups[: len(asked)]])
            nobody = np.flatnonzero(labels[1] == 8)[gallery.groups[len(asked) :]]
            entries = [j for j, p in enumerate(labels[1]) if p in enrolled or j in nobody]
            assert len(entries) <= size and not enrolled & set(asked[drawn])
            assert previous.get(trial, set()) <= set(entries)  # the larger has the smaller
            previous[trial] = set(entries)
            alarms, hits = [], []
            for i, row in enumerate(distances):
                counted = [j for j in entries if not case.is_junk(i, j)]
                pid = labels[0][i]
                others = [row[j] for j in counted if labels[1][j] != pid]
                own = [row[j] for j in counted if labels[1][j] == pid]
                if pid not in asked or pid in asked[drawn]:
                    alarms.append(min(others, default=np.inf))
                elif own:
                    best = min(own), min(others, default=np.inf)
                    hits.append((min(best), best[0] < best[1]))
            for fpir, values in expected.items():
                values.append(oracle.dir_at_fpir(alarms, hits, fpir))
        for fpir, values in expected.items():
            assert found[f'DIR@FPIR={fpir},G={size}'] == pytest.approx(np.mean(values), abs=1e-9)
    alone = DirAtFpir((0.3, 0.6), trials=4, seed=3)
    alone.update(0, distances, GalleryMatches(*labels, **options))
    assert {key: found[key] for key in alone.summarise()} == alone.summarise()
    with pytest.raises(ValueError, match='gallery_sizes has 61, but the gallery of a trial has'):
        watch(DirAtFpir((0.3,), gallery_sizes=(61,)), distances, *labels)


@pytest.mark.parametrize('size', [1, 3, 5, 8, 9, 50])
@pytest.mark.parametrize('levels', [0, 5])
def test_threshold_holds_over_all_galleries_of_a_size(monkeypatch, size, levels):
    distances, query_pids, gallery_pids, *cameras = random_case(size, levels, 12, 9)
    monkeypatch.setattr(slices, 'SLICE_SIZE', 30)
    labels = (query_pids, gallery_pids)
    for fpir in (0.3, 0.5, 0.8) if size < 50 else (0.97,):
        observer = watch(ThresholdAtFpir(fpir, size), distances, *labels, *cameras, size=5)
        chosen, rate = observer.threshold(), observer.rate
        assert oracle.mean_fpir(distances, *labels, size, chosen) <= rate + 1e-9
        above = np.nextafter(np.float32(chosen), np.float32(2))
        assert oracle.mean_fpir(distances, *labels, size, above) > rate
        assert observer.dir() == pytest.approx(
            oracle.mean_dir(distances, size, chosen, *labels, *cameras), abs=1e-9
        )
        others = np.mean([np.sum(gallery_pids != pid) for pid in query_pids])
        assert 1 - (1 - rate) ** max(size / others, 1) == pytest.approx(fpir)


def test_threshold_in_a_large_gallery_that_is_there():
    """NumPy sorts few numbers where it is asked to part them."""
    distances = np.random.default_rng(0).random((12, 1500)).astype(np.float32)
    found = watch(ThresholdAtFpir(0.5), distances, [9] * 12, np.arange(1500) + 10).threshold()
    assert found == np.sort(distances.min(axis=1))[6]


def test_a_rate_that_accepts_everybody_has_no_threshold():
    """Of two strangers one meets nobody, and is never accepted."""
    observer = watch(ThresholdAtFpir(0.9), np.array([[0.1, 0.2], [0.3, 0.4]]), [1, 2], [1, 1])
    with pytest.raises(ValueError, match='fpir=0.9 accepts every query without a threshold'):
        observer.threshold()


@pytest.mark.parametrize('people', [1, 3, 4])
def test_threshold_holds_over_all_galleries_of_so_many_people(people):
    rng = np.random.default_rng(people)
    query_pids, gallery_pids = np.arange(12) % 6, rng.permutation(np.arange(18) % 6)
    distances = rng.random((12, 18)).astype(np.float32)
    for fpir in (0.2, 0.5):
        chosen = watch(
            ThresholdAtFpir(fpir, 3 * people, people), distances, query_pids, gallery_pids, size=5
        ).threshold()
        args = distances, query_pids.tolist(), gallery_pids.tolist(), people
        assert oracle.mean_fpir_of_people(*args, chosen) <= fpir + 1e-9
        above = np.nextafter(np.float32(chosen), np.float32(2))
        assert oracle.mean_fpir_of_people(*args, above) > fpir


def test_images_of_a_person_are_as_many_as_in_the_gallery():
    pids = [1] * 5 + [2] * 3 + [3] + [9] * 4  # nobody asks for 9
    matches = GalleryMatches([1, 2, 3], pids)
    for size, people, kept, nobody, wanted in (
        (6, 6, 3, 1, 6),
        (6, 4, 5, 2, 4),
        (8, 4, 9, 4, 4),
        (90, 9, 9, 4, 48),
    ):
        units = Units(matches, size, people)
        used = np.array(pids)[units.columns]
        assert (np.sum(used != 9), np.sum(used == 9)) == (kept, nobody)
        assert len(set(units.columns)) == len(used) and units.wanted == wanted
        assert len(units.starts) == 3 + nobody and units.num_others() == len(units.starts) - 1
    rows = np.arange(13.0)[None]
    assert Units(matches, 90, 9).nearest(rows).tolist()[0][-3:] == [0, 5, 8]
    between = Units(GalleryMatches([1], [1, 9, 1]), 3, 2)
    assert between.columns.tolist()[0] == 1 and between.starts.tolist() == [0, 1]
    alone = Units(GalleryMatches([1], [7, 8, 8]), 3, 2)  # nobody is asked for
    assert len(alone.starts) == alone.wanted == alone.num_others() == 3


def test_survival_of_a_subset():
    found = subset_survival(np.array([5, 3, 0]), 2)
    np.testing.assert_allclose(
        found, [[1, 3 / 5, 3 / 10, 1 / 10, 0, 0], [1, 1 / 3, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]]
    )
    assert subset_survival(np.array([10**6]), 10**5).shape[1] < 300


def test_function_reports_it_and_refuses_what_mixes_in_strangers():
    rng = np.random.default_rng(0)
    query, gallery = rng.normal(size=(40, 5)), rng.normal(size=(60, 5))
    labels = random_case(0)[1:]
    found = evaluate_ranking(query, gallery, *labels, open_set=dict(fpir=(0.1,), trials=3))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (query, gallery)]
    distances = 1 - unit[0] @ unit[1].T
    expected = watch(DirAtFpir((0.1,), trials=3), distances, *labels).summarise()
    assert {key: found[key] for key in expected} == expected
    for options in (dict(rerank={}), dict(query_expansion={})):
        with pytest.raises(ValueError, match='open_set is of plain distances'):
            evaluate_ranking(query, gallery, *labels, open_set={}, **options)


@pytest.mark.parametrize(
    'options, error, message',
    [
        (dict(fpir=0.1), TypeError, 'fpir is a sequence of false positive identification rates'),
        (dict(fpir=()), ValueError, 'fpir is empty'),
        (dict(fpir=(0,)), ValueError, 'got 0'),
        (dict(fpir=(0.1, 0.1)), ValueError, 'twice'),
        (dict(strangers=1), ValueError, 'got 1'),
        (dict(strangers='half'), ValueError, "'half'"),
        (dict(trials=0), ValueError, 'trials'),
        (dict(seed=-1), ValueError, 'seed'),
        (dict(trials=True), ValueError, 'True'),
        (dict(gallery_sizes=100), TypeError, 'gallery_sizes must be a sequence'),
        (dict(gallery_sizes=(100, 0)), ValueError, 'gallery size must be an integer >= 1, got 0'),
        (dict(gallery_sizes=(100, 100)), ValueError, 'twice'),
    ],
)
def test_bad_options(options, error, message):
    check_open_set()
    with pytest.raises(error, match=message):
        DirAtFpir(**options)


def test_too_few_strangers_and_nothing_to_count():
    distances, *labels = random_case(0)
    with pytest.raises(ValueError, match=r'FPIR 0.001 needs at least 1000 strangers, there are'):
        watch(DirAtFpir((0.001,)), distances, *labels).summarise()
    with pytest.raises(ValueError, match='FPIR 0.02 needs at least 50 strangers, there are 40'):
        watch(ThresholdAtFpir(0.02), distances, *labels)
    with pytest.raises(
        ValueError,
        match='FPIR 0.1 in a gallery of 6000 entries is 0.0009.* in the '
        '60 of the validation set, and FPIR 0.0009.* there are 40',
    ):
        watch(ThresholdAtFpir(0.1, 6000), distances, *labels)
    with pytest.raises(ValueError, match='0 queries of strangers and 40 of known'):
        watch(DirAtFpir(strangers=0), distances[:, :2], [1] * 40, [1, 2]).summarise()
    with pytest.raises(ValueError, match='there is no stranger'):
        watch(ThresholdAtFpir(0.1), distances[:, :2], [1] * 40, [1, 1])
    for observer in (DirAtFpir(), ThresholdAtFpir(0.1)):
        with pytest.raises(ValueError, match='update with each query once'):
            observer.summarise()
    assert ThresholdAtFpir(0.1, 4, 4).gallery_people == 4
    for wrong in (0, 1, 2, 'low', True):
        with pytest.raises(ValueError, match='above 0, below 1'):
            ThresholdAtFpir(wrong)
    for sizes in ((0,), (0.5,), (3, 4), (None, 4), (None, 1), (3, 0), (True,)):
        with pytest.raises(ValueError, match='gallery_'):
            ThresholdAtFpir(0.1, *sizes)
