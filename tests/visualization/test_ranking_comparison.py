import copy

import numpy as np
import pytest

from reid_fusedloss.visualization.canvas import save_png
from reid_fusedloss.visualization.ranking_comparison import (
    draw_ranking_comparison,
    match_queries,
    select_pairs,
)
from tests.visualization.pictures import read
from tests.visualization.test_ranking_list import rows_of, write_image

NAMES = ('baseline', 'fused')


def make_lists(folder, aps, matches, root='/data/a'):
    """A list for each AP; files as `<root>/query/<number>.png`, gallery images real."""
    image = write_image(folder / 'image.png', (240, 200, 40))
    gallery = [
        {'img_path': image, 'pid': 0, 'camid': 2, 'distance': 0.1, 'match': match}
        for match in matches
    ]
    queries = [
        {
            'img_path': f'{root}/query/{i}.png',
            'pid': f'id{i // 2}',
            'camid': i % 2,
            'ap': ap,
            'first_match': 1,
            'num_positives': 3,
            'gallery': copy.deepcopy(gallery),
        }
        for i, ap in enumerate(aps)
    ]
    return {'prefix': 'reid', 'distance': 'cosine', 'queries': queries}


@pytest.fixture
def lists(tmp_path):
    """Gains .4, -.2, 0, .7, .1, and a query without a positive."""
    return (
        make_lists(tmp_path, [0.5, 0.6, 0.3, 0.2, 0.8, None], [False, True]),
        make_lists(tmp_path, [0.9, 0.4, 0.3, 0.9, 0.9, None], [True, True], root='/elsewhere'),
    )


def numbers(pairs):
    return [int(pair.first['img_path'][-5]) for pair in pairs]


def test_queries_are_matched_by_file_wherever_the_data_is(lists):
    lists[1]['queries'].reverse()
    pairs = match_queries(*lists)
    assert numbers(pairs) == [0, 1, 2, 3, 4]
    assert [round(pair.gain, 9) for pair in pairs] == [0.4, -0.2, 0, 0.7, 0.1]


@pytest.mark.parametrize(
    'num, order, expected',
    [
        (2, 'gain', [3, 0]),
        (2, 'loss', [1, 2]),
        (3, 'spread', [3, 4, 1]),
        (1, 'spread', [4]),
        (99, 'gain', [3, 0, 4, 2, 1]),
        (99, 'spread', [3, 0, 4, 2, 1]),
    ],
)
def test_queries_are_chosen_by_gain(lists, num, order, expected):
    assert numbers(select_pairs(match_queries(*lists), num, order)) == expected


def test_identities_are_chosen_in_the_order_given(lists):
    pairs = match_queries(*lists)
    assert numbers(select_pairs(pairs, 3, 'ids', ['id1', 'id0'])) == [2, 0, 3]
    assert numbers(select_pairs(pairs, 9, 'ids', ['id2'])) == [4]


def test_one_list_stands_above_the_other(lists):
    rows = rows_of(draw_ranking_comparison(*lists, names=NAMES, num_queries=2, order='gain'))
    assert [''.join(kind for _, kind in row) for row in rows] == ['q-+', 'q++'] * 2
    assert all([x for x, _ in row] == [x for x, _ in rows[0]] for row in rows)


def test_picture_is_whole_and_has_room_for_all_lists(lists, tmp_path):
    sizes = []
    for num in (1, 3):
        picture = draw_ranking_comparison(
            *lists, names=('a $name$ ' + 'x' * 40, 'fused'), num_queries=num, width=600
        )
        sizes.append(read(save_png(picture, tmp_path / 'out.png')).shape[0])
    assert sizes[1] > 2 * sizes[0] - 150


def test_a_long_name_stays_beside_its_row(lists):
    short = draw_ranking_comparison(*lists, names=('a', 'fused'), num_queries=1)
    long = draw_ranking_comparison(*lists, names=('a' * 60, 'fused'), num_queries=1)
    changed = np.flatnonzero((short != long).any(axis=(1, 2)))
    second = [y for y in np.flatnonzero((short == (51, 51, 51)).all(-1).sum(1) > 60)][-1]
    assert 80 < changed.min() and changed.max() < second


def test_other_test_sets_are_refused(lists):
    first, second = lists
    fewer = dict(second, queries=second['queries'][1:])
    with pytest.raises(
        ValueError,
        match='not over the same test set: 6 and 5 queries, 5 of them '
        'in both; 0.png is in the first only',
    ):
        match_queries(first, fewer)
    for key, value in (('pid', 'other'), ('num_positives', 4)):
        changed = copy.deepcopy(second)
        changed['queries'][2][key] = value
        with pytest.raises(ValueError, match=f'same test set: query 2.png has {key} .*{value}'):
            match_queries(first, changed)


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(order='best'), "order.*'best'"),
        (dict(num_queries=0), 'num.*0'),
        (dict(topk=0), 'topk.*0'),
        (dict(order='ids'), 'give pids'),
        (dict(order='ids', pids=['id9', 'id0']), r"\['id9'\]: the test set has id0"),
    ],
)
def test_mistakes_are_said(lists, options, words):
    with pytest.raises(ValueError, match=words):
        draw_ranking_comparison(*lists, names=NAMES, **options)


def test_a_test_set_without_positives_is_refused(tmp_path):
    lists = make_lists(tmp_path, [None, None], [False])
    with pytest.raises(ValueError, match='no query has a positive'):
        match_queries(lists, lists)
