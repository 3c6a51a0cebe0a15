"""Each protocol against plain loops: ties, absent positives, one camera; draws; mistakes."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from reid_fusedloss.functional import evaluate_ranking, make_protocol
from reid_fusedloss.functional.ranking.draws import DrawnGalleries
from reid_fusedloss.functional.ranking.evaluate import cmc_map, rank_blocks
from reid_fusedloss.functional.ranking.matching import GalleryMatches
from reid_fusedloss.functional.ranking.protocols import PROTOCOLS as PROTOCOLS_BY_NAME
from reid_fusedloss.functional.ranking.verification import TprAtFpr
from tests.oracles import protocols as oracle
from tests.oracles.ranking import random_case

TOPK = (1, 2, 5, 1000)
PLACES = dict(type='camera_pairs', pairs=[(0, 2)])
PROTOCOLS = [
    ('same_camera', oracle.same_camera),
    ('general', oracle.same_camera),
    ('clothes_changing', oracle.clothes_changing),
    ('same_clothes', oracle.same_clothes),
    (PLACES, oracle.same_place),
    (dict(PLACES, cameras=(0, 1)), oracle.indoors),
    ('tests.functional.test_protocols.own_rule', lambda q, e: q['track'] == 7 or same_track(q, e)),
    ('leave_one_out', oracle.itself),
]


def own_rule(query: dict, gallery: dict) -> np.ndarray:
    """Junk is the query's own track, and all of a query of track 7."""
    return (query['pid'] == gallery['pid']) & (query['track'] == gallery['track']) | (
        query['track'] == 7
    )


def same_track(query: dict, entry: dict) -> bool:
    return query['pid'] == entry['pid'] and query['track'] == entry['track']


def not_truth(query: dict, gallery: dict) -> np.ndarray:
    return query['pid'] - gallery['pid']


def labelled_case(
    seed: int, levels: int, cameras: int, words: bool = False, one_set: bool = False
) -> tuple:
    """Distances (12, 40) and, of both sides, all labels by name; images 3 to 14 are queries."""
    distances, *pids, query_camids, gallery_camids = random_case(seed, levels, cameras)
    rng = np.random.RandomState(seed + 100)
    sides = []
    for pid, camid in zip(pids, (query_camids, gallery_camids)):
        side = dict(pid=pid, camid=camid)
        side |= {name: rng.randint(0, 3, len(pid)) for name in ('clothes', 'track')}
        side['image'] = np.arange(len(pid)) + (3 if len(pid) == 12 else 0)
        sides.append(side)
    sides[0]['track'][0] = 7
    if one_set:
        sides[0] |= {name: sides[1][name][3:15] for name in ('pid', 'camid')}
    if words:
        for side in sides:
            side.update({key: np.array([f'{key}{x}' for x in side[key]]) for key in ('clothes',)})
    return distances, *sides


def arguments(query: dict, gallery: dict) -> dict:
    """Labels as the functions take them."""
    further = [
        {k: v for k, v in side.items() if k not in ('pid', 'camid')} for side in (query, gallery)
    ]
    return dict(
        query_pids=query['pid'],
        gallery_pids=gallery['pid'],
        query_camids=query['camid'],
        gallery_camids=gallery['camid'],
        query_labels=further[0],
        gallery_labels=further[1],
    )


@pytest.mark.parametrize('ap', ['ir', 'trapezoid'])
@pytest.mark.parametrize('levels', [0, 1, 5])
@pytest.mark.parametrize('cameras', [1, 3])
@pytest.mark.parametrize('protocol, rule', PROTOCOLS, ids=lambda value: str(value)[:20])
def test_equal_to_plain_loops(protocol, rule, cameras: int, levels: int, ap: str) -> None:
    distances, query, gallery = labelled_case(
        levels + cameras, levels, cameras, levels == 1, rule is oracle.itself
    )
    rows = oracle.rows_of(query), oracle.rows_of(gallery)
    expected = oracle.figures(distances, *rows, rule, TOPK, ap)
    options = dict(protocol=protocol, ap=ap, topk=TOPK, **arguments(query, gallery))
    if expected is None:
        with pytest.raises(ValueError, match='none of the 12 queries has a positive'):
            cmc_map(distances, **options)
        return
    found = cmc_map(distances, **options)
    found.pop('num_ties')
    assert found == pytest.approx(expected, abs=1e-10)
    lists = rank_blocks([distances], protocol=protocol, k=40, **arguments(query, gallery)).lists
    for i, (line, row) in enumerate(zip(lists.indices, distances)):
        kept = [j for j, entry in enumerate(rows[1]) if not rule(rows[0][i], entry)]
        order = sorted(kept, key=lambda j: (float(row[j]), j))
        assert line[line >= 0].tolist() == order
        own = [rows[1][j]['pid'] == rows[0][i]['pid'] for j in order]
        assert lists.matches[i][: len(order)].tolist() == own


def test_names_and_defaults() -> None:
    for name in PROTOCOLS_BY_NAME:
        assert make_protocol(name).name == ('same_camera' if name == 'general' else name)
    for option in (dict(PLACES, trials=10), 'single_gallery_shot', 'vehicleid'):
        draws = make_protocol(option).draws
        assert (draws.trials, draws.seed, draws.shots) == (10, 0, 1)
    assert make_protocol(PLACES).draws is None and make_protocol().name == 'same_camera'
    alone = cmc_map(np.array([[0.2, 0.1]]), [1], [1, 2], protocol='single_gallery_shot')
    assert alone['R1'] == 0  # without cameras nothing is junk


def test_cameras_of_one_place_are_named_as_the_data_names_them() -> None:
    distances, query, gallery = labelled_case(2, 3, 3)
    expected = cmc_map(
        distances, protocol=dict(PLACES, cameras=(0, 1)), **arguments(query, gallery)
    )
    for side in (query, gallery):
        side['camid'] = np.array(['b', 'c', 'a'])[side['camid']]
    option = dict(type='camera_pairs', pairs=[('b', 'a')], cameras=('b', 'c'))
    assert cmc_map(distances, protocol=option, **arguments(query, gallery)) == expected


def test_features_rank_as_their_distances() -> None:
    _, query, gallery = labelled_case(0, 0, 3)
    rng = np.random.RandomState(0)
    features = [rng.randn(n, 6) for n in (12, 40)]
    units = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in features]
    options = dict(arguments(query, gallery), protocol='clothes_changing')
    found = evaluate_ranking(*features, **options)
    assert found == pytest.approx(cmc_map(1 - units[0] @ units[1].T, **options))
    standard = evaluate_ranking(*features, **dict(options, protocol='same_camera'))
    assert found['num_valid_queries'] <= standard['num_valid_queries'] and found != standard


@pytest.mark.parametrize('levels', [0, 4])
def test_junk_of_other_identities_is_in_no_pair(levels: int) -> None:
    distances, query, gallery = labelled_case(levels, levels, 3)
    labels = query['pid'], gallery['pid'], query['camid'], gallery['camid']
    matches = GalleryMatches(*labels, protocol=PLACES)
    values, truths = oracle.pairs(distances, *labels, rule=oracle.same_place)
    assert matches.num_negatives == truths.count(False)
    observer = TprAtFpr((0.1, 0.4))
    for first in (0, 5):
        stop = 5 if not first else 12
        observer.update(first, distances[first:stop], matches)
    for fpr, found in zip(('0.1', '0.4'), observer.summarise().values()):
        assert found == pytest.approx(oracle.tpr_at_fpr(values, truths, fpr))


def test_a_part_of_a_gallery_has_its_own_negatives() -> None:
    _, query, gallery = labelled_case(0, 0, 3)
    whole = GalleryMatches(query['pid'], gallery['pid'])
    for columns in (np.arange(40), np.arange(3, 40, 5)):
        pids = gallery['pid'][columns]
        expected = sum(pid != other for pid in query['pid'] for other in pids)
        assert whole.part(columns).num_negatives == expected
        whole.num_negatives  # noqa: B018  # once known, it must not be the parts' too


def drawn(observer: DrawnGalleries) -> list[np.ndarray]:
    return [columns for columns, _, _ in observer._trials]


@pytest.mark.parametrize('levels', [0, 1, 4])
@pytest.mark.parametrize(
    'option, rule',
    [
        (dict(PLACES, trials=5), oracle.same_place),
        (dict(PLACES, trials=5, cameras=(0, 1), shots=2), oracle.indoors),
        (dict(type='vehicleid', trials=5), oracle.itself),
    ],
)
def test_drawn_galleries_equal_plain_loops(option: dict, rule, levels: int) -> None:
    distances, query, gallery = labelled_case(levels, levels, 3, one_set=rule is oracle.itself)
    rows = oracle.rows_of(query), oracle.rows_of(gallery)
    labels = arguments(query, gallery)
    found = cmc_map(distances, protocol=option, topk=TOPK, **labels)
    protocol = make_protocol(option)
    observer = DrawnGalleries(protocol.draws, TOPK)
    matches = GalleryMatches(protocol=protocol, **labels)
    for first in range(0, 12, 5):
        observer.update(first, distances[first : first + 5], matches)
    by_camera = option['type'] == 'camera_pairs'
    expected = []
    for columns in drawn(observer):
        chosen = [rows[1][j] for j in columns]
        groups = [(e['pid'], e['camid']) if by_camera else e['pid'] for e in chosen]
        everyone = [(e['pid'], e['camid']) if by_camera else e['pid'] for e in rows[1]]
        for group in set(everyone):
            assert groups.count(group) == min(everyone.count(group), option.get('shots', 1))
        expected.append(
            oracle.figures(
                distances[:, columns], rows[0], chosen, rule, TOPK, by_identity=by_camera
            )
        )
    for key in expected[0]:
        assert found[key] == pytest.approx(np.mean([one[key] for one in expected])), key
    assert observer.summarise() == pytest.approx(found)
    once = cmc_map(distances, protocol=dict(option, trials=1), topk=TOPK, **labels)
    assert once['mAP'] == pytest.approx(expected[0]['mAP'])
    assert len({tuple(columns) for columns in drawn(observer)}) > 1


def test_ranks_of_drawn_galleries_are_positive():
    with pytest.raises(ValueError, match=r'\(0,\)'):
        DrawnGalleries(make_protocol('vehicleid').draws, (0,))


def test_mean_of_many_draws_of_vehicles_is_the_expectation() -> None:
    rng = np.random.RandomState(1)
    pids, distances = [0, 0, 0, 1, 1, 2, 2], rng.rand(7, 7)
    images = [dict(pid=pid, image=i) for i, pid in enumerate(pids)]
    per_draw = [
        oracle.figures(
            distances[:, sorted(chosen)],
            images,
            [images[j] for j in sorted(chosen)],
            oracle.itself,
            (1, 2),
        )
        for chosen in product([0, 1, 2], [3, 4], [5, 6])
    ]
    labels = dict(image=np.arange(7))
    found = cmc_map(
        distances,
        pids,
        pids,
        query_labels=labels,
        gallery_labels=labels,
        topk=(1, 2),
        protocol=dict(type='vehicleid', trials=2000, seed=1),
    )
    assert found['num_valid_queries'] == 4  # all but the three that were drawn
    for key in ('mAP', 'R1', 'R2'):
        exact = np.mean([one[key] for one in per_draw])
        assert 5 < exact < 99 and found[key] == pytest.approx(exact, abs=4 * 50 / 2000**0.5)


def test_single_shot_as_a_protocol_is_the_single_shot_beside() -> None:
    distances, query, gallery = labelled_case(2, 4, 3)
    labels = arguments(query, gallery)
    features = [np.random.RandomState(n).randn(n, 5) for n in (12, 40)]
    option = dict(type='single_gallery_shot', trials=7, seed=3)
    found = evaluate_ranking(*features, protocol=option, **labels)
    beside = evaluate_ranking(*features, single_shot=dict(trials=7, seed=3), **labels)
    assert [found[f'R{k}'] for k in (1, 5, 10)] == [beside[f'single_shot_R{k}'] for k in (1, 5, 10)]
    gallery['pid'] = np.random.RandomState(0).permutation(40)  # one image each: nothing is drawn
    rows = oracle.rows_of(query), oracle.rows_of(gallery)
    for ap in ('ir', 'trapezoid'):
        found = cmc_map(distances, protocol=option, ap=ap, topk=TOPK, **arguments(query, gallery))
        expected = oracle.figures(distances, *rows, oracle.same_camera, TOPK, ap)
        assert {key: found[key] for key in expected} == pytest.approx(expected)


def check(option: object, missing: Sequence[str] = (), **further: object) -> None:
    _, query, gallery = labelled_case(0, 0, 3)
    labels = arguments(query, gallery)
    for side in ('query', 'gallery'):
        for name in missing:
            labels.pop(f'{side}_camids', None) if name == 'camid' else labels[f'{side}_labels'].pop(
                name
            )
    labels |= further
    GalleryMatches(protocol=option, **labels)


@pytest.mark.parametrize(
    'option, error, message',
    [
        ('same_cam', ValueError, "protocol must be one of .*'vehicleid'.*got 'same_cam'"),
        (3, TypeError, 'got 3'),
        (dict(trials=3), TypeError, 'trials'),
        (dict(type='vehicleid', shots=3), ValueError, r"unknown keys \['shots'\]"),
        (dict(type='vehicleid', trials=0), ValueError, 'trials must be an integer >= 1, got 0'),
        (dict(PLACES, shots=0, trials=1), ValueError, 'shots must be an integer >= 1'),
        (dict(PLACES, trials=-1), ValueError, 'trials'),
        (dict(PLACES, trials=None), ValueError, 'trials must be an integer >= 0, got None'),
        (dict(PLACES, pairs=[2, 3]), ValueError, r'pairs of cameras .* got \[2, 3\]'),
        (dict(PLACES, cameras='01'), ValueError, "got '01'"),
        ('no_such_package.junk', ValueError, 'not a function that can be imported'),
        ('tests.functional.test_protocols.no', ValueError, 'not a function that can be imported'),
        ('tests.functional.test_protocols.TOPK', ValueError, 'must be a function'),
        (dict(type='tests.functional.test_protocols.own_rule', k=1), ValueError, 'unknown keys'),
    ],
)
def test_bad_options(option: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_protocol(option)


@pytest.mark.parametrize(
    'option, missing, further, error, message',
    [
        (
            'clothes_changing',
            ['clothes'],
            {},
            ValueError,
            r"'clothes_changing' needs .*\['clothes'\]",
        ),
        ('clothes_changing', ['camid'], {}, ValueError, r"needs the labels \['camid'\]"),
        (PLACES, ['camid'], {}, ValueError, 'needs the labels'),
        ('leave_one_out', ['image'], {}, ValueError, "needs the labels .'image'"),
        (own_rule, ['track'], {}, ValueError, "reads the label 'track', the data has"),
        (not_truth, [], {}, TypeError, "'not_truth' must return truth values, got int64"),
        (lambda q, g: np.zeros((2, 2), bool), [], {}, ValueError, r'shape \(2, 2\) for pairs'),
        (dict(PLACES, pairs=[('a', 'b')]), [], {}, ValueError, 'has none of them'),
        (
            'leave_one_out',
            [],
            dict(
                query_labels=dict(image=np.arange(12) + 99),
                gallery_labels=dict(image=np.arange(40)),
            ),
            ValueError,
            'none is',
        ),
        (
            'vehicleid',
            [],
            dict(
                query_labels=dict(image=np.arange(12) + 99),
                gallery_labels=dict(image=np.arange(40)),
            ),
            ValueError,
            'none is',
        ),
        ('same_camera', [], dict(query_labels={}), ValueError, 'given for one side only'),
        (
            'same_camera',
            [],
            dict(query_labels=dict(pid=[1] * 12), gallery_labels=dict(pid=[1] * 40)),
            ValueError,
            'are separate arguments',
        ),
        (
            'clothes_changing',
            [],
            dict(query_labels=dict(clothes=[1] * 5), gallery_labels=dict(clothes=[1] * 40)),
            ValueError,
            '5 and 40 clothes',
        ),
    ],
)
def test_labels_that_do_not_fit(option, missing, further, error, message) -> None:
    with pytest.raises(error, match=message):
        check(option, missing, **further)


def test_draws_go_alone() -> None:
    _, query, gallery = labelled_case(0, 0, 3)
    features = [np.random.RandomState(n).randn(n, 5) for n in (12, 40)]
    for options in (
        dict(rerank={}),
        dict(query_expansion={}),
        dict(single_shot={}),
        dict(open_set={}),
    ):
        (name,) = options
        words = f'so does {name}' if name in ('single_shot', 'open_set') else 'see the whole one'
        with pytest.raises(ValueError, match=f"'vehicleid' draws galleries.*{words}"):
            evaluate_ranking(
                *features, protocol='vehicleid', **options, **arguments(query, gallery)
            )
