import copy
import json

import cv2
import numpy as np
import pytest

from reid_fusedloss.visualization import (
    draw_ranking_lists,
    load_ranking_lists,
    save_ranking_lists,
    select_queries,
)

BLUE, VERMILLION, DARK, GREY = (0, 114, 178), (213, 94, 0), (51, 51, 51), (200, 200, 200)
MATCHES = [[True, False, True, True], [False, False, True], [False, True, False, False]]


def write_image(path, rgb, height=64, width=32):
    cv2.imwrite(str(path), np.full((height, width, 3), rgb[::-1], np.uint8))
    return str(path)


def make_lists(folder, matches=MATCHES, **shape):
    image = write_image(folder / 'image.png', (240, 200, 40), **shape)
    queries = [
        {
            'img_path': image,
            'pid': i,
            'camid': 1,
            'ap': 0.9 - 0.1 * i,
            'first_match': 1,
            'gallery': [
                {'img_path': image, 'pid': 0, 'camid': 2, 'distance': 0.1 * j, 'match': match}
                for j, match in enumerate(row)
            ],
        }
        for i, row in enumerate(matches)
    ]
    return {'prefix': 'reid', 'distance': 'cosine', 'queries': queries}


def tiles(picture, color):
    """Boxes (x, y, w, h) of the tiles with corners of a colour: large blots that are not white."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((picture < 255).any(-1).astype(np.uint8))
    boxes = [tuple(int(v) for v in box[:4]) for box in stats[1:count]]
    return [
        (x, y, w, h) for x, y, w, h in boxes if w > 40 and h > 30 and tuple(picture[y, x]) == color
    ]


def rows_of(picture):
    """Per row, top to bottom: the tiles left to right as (x, kind)."""
    found = [
        (y, x, kind)
        for kind, color in (('q', DARK), ('+', BLUE), ('-', VERMILLION))
        for x, y, _, _ in tiles(picture, color)
    ]
    return [
        [(x, kind) for at, x, kind in sorted(found) if at == y]
        for y in sorted({y for y, _, _ in found})
    ]


def aps(queries):
    return [query['ap'] for query in queries]


def test_frames_follow_the_order_and_verdicts_of_the_metric(tmp_path):
    rows = rows_of(draw_ranking_lists(make_lists(tmp_path)))
    assert [''.join(kind for _, kind in row) for row in rows] == ['q+-++', 'q--+', 'q-+--']


def test_verdict_is_not_judged_anew_from_the_pids(tmp_path):
    lists = make_lists(tmp_path, [[False]])
    lists['queries'][0]['gallery'][0]['pid'] = lists['queries'][0]['pid']
    assert [kind for _, kind in rows_of(draw_ranking_lists(lists))[0]] == ['q', '-']


def test_nothing_is_claimed_where_identities_are_unknown(tmp_path):
    lists = make_lists(tmp_path, [[None, None]])
    lists['queries'][0]['answer'] = ['no match', 'nearest: 0.700']
    picture = draw_ranking_lists(lists, order='given')  # nor in the legend
    assert not any((picture == color).all(-1).any() for color in (BLUE, VERMILLION))
    assert len(tiles(picture, (150, 150, 150))) == 2
    lists = make_lists(tmp_path, [[None, True, False]])
    picture = draw_ranking_lists(lists)
    for color, least in ((BLUE, 1), (VERMILLION, 1), ((150, 150, 150), 1)):
        assert len(tiles(picture, color)) == least


def test_columns_are_aligned_and_the_query_stands_apart(tmp_path):
    rows = rows_of(draw_ranking_lists(make_lists(tmp_path)))
    columns = [x for x, _ in rows[0]]
    assert all([x for x, _ in row] == columns[: len(row)] for row in rows)
    steps = np.diff(columns)
    assert len(set(steps[1:])) == 1 and steps[0] > steps[1] + 10


def test_frame_of_a_match_is_unbroken_and_of_a_mismatch_dashed_but_for_its_corners(tmp_path):
    picture = draw_ranking_lists(make_lists(tmp_path, [[True, False]]))
    for color, unbroken in ((BLUE, True), (VERMILLION, False)):
        ((x, y, w, h),) = tiles(picture, color)
        inked = (picture[y : y + h, x : x + w] == color).all(-1)
        for side in (inked[0], inked[-1], inked[:, 0], inked[:, -1]):
            assert side.all() == unbroken
            assert side[:4].all() and side[-4:].all() and side.mean() > 0.4
            np.testing.assert_array_equal(side, side[::-1])


@pytest.mark.parametrize('height, width', [(128, 64), (64, 64), (60, 90)])
def test_tiles_take_the_median_aspect_of_the_images(tmp_path, height, width):
    lists = make_lists(tmp_path, [[True] * 10], height=height, width=width)
    for _, _, w, h in tiles(draw_ranking_lists(lists), BLUE):
        assert (h - 8) / (w - 8) == pytest.approx(height / width, abs=0.02)


def test_image_of_another_aspect_is_fitted_undistorted_and_centred(tmp_path):
    lists = make_lists(tmp_path, [[True, True, True]], height=100, width=50)
    lists['queries'][0]['gallery'][1]['img_path'] = write_image(
        tmp_path / 'square.png', (200, 0, 200), 70, 70
    )
    picture = draw_ranking_lists(lists)
    box = sorted(tiles(picture, BLUE))[1]
    y, x = np.nonzero((abs(picture.astype(int) - (200, 0, 200)) <= 3).all(-1))
    assert abs(np.ptp(x) - np.ptp(y)) <= 1 and np.ptp(x) + 1 == box[2] - 8
    assert (y.min() + y.max()) / 2 == pytest.approx(box[1] + (box[3] - 1) / 2, abs=1)


def test_pixels_are_in_rgb_and_within_two_levels_of_the_image(tmp_path):
    picture = draw_ranking_lists(make_lists(tmp_path, [[True]]))
    ((x, y, w, h),) = tiles(picture, BLUE)
    inside = picture[y + 4 : y + h - 4, x + 4 : x + w - 4].astype(int)
    assert abs(inside - (240, 200, 40)).max() <= 3


@pytest.mark.parametrize('content', [None, b'', b'no image'])
def test_unreadable_image_becomes_a_grey_tile_with_lettering(tmp_path, content):
    lists = make_lists(tmp_path, [[True, False, True]])
    path = tmp_path / 'a_$broken$_name_that_is_rather_long.jpg'
    if content is not None:
        path.write_bytes(content)
    lists['queries'][0]['gallery'][1]['img_path'] = str(path)
    picture = draw_ranking_lists(lists)
    assert ''.join(kind for _, kind in rows_of(picture)[0]) == 'q+-+'
    ((x, y, w, h),) = tiles(picture, VERMILLION)
    inside = picture[y + 4 : y + h - 4, x + 4 : x + w - 4]
    grey = (inside == GREY).all(-1).mean()
    assert 0.5 < grey < 0.99
    assert (picture == GREY).all(-1).sum() <= (w - 8) * (h - 8)


def test_all_images_missing_still_makes_a_picture(tmp_path):
    lists = make_lists(tmp_path)
    (tmp_path / 'image.png').unlink()
    assert [len(row) for row in rows_of(draw_ranking_lists(lists))] == [5, 4, 5]


def test_topk_and_num_queries_bound_the_tiles(tmp_path):
    lists = make_lists(tmp_path, [[True] * 12 for _ in range(5)])
    picture = draw_ranking_lists(lists, num_queries=3, topk=10)
    assert [len(row) for row in rows_of(picture)] == [11] * 3
    assert 1150 <= picture.shape[1] <= 1200


def test_relative_paths_are_looked_up_under_data_root(tmp_path):
    lists = make_lists(tmp_path, [[True]])
    absolute = draw_ranking_lists(lists)
    lists['queries'][0]['img_path'] = 'image.png'
    lists['queries'][0]['gallery'][0]['img_path'] = 'image.png'
    np.testing.assert_array_equal(draw_ranking_lists(lists, data_root=tmp_path), absolute)


def test_low_tiles_leave_room_for_the_text_beside_the_query(tmp_path):
    lists = make_lists(tmp_path, height=20, width=80)
    for query in lists['queries']:
        query.update(num_positives=5, pid='PERSON_0002_OF_MANY', camid='WWWWWWWWWWWWWWWWWWWW')
        query['gallery'][0]['camid'] = 'W' * 40
    tops = sorted({y for _, y, _, _ in tiles(draw_ranking_lists(lists), DARK)})
    assert len(tops) == 3 and np.diff(tops).min() >= 5 * 16


def test_optional_fields_may_be_null_or_absent(tmp_path):
    lists = make_lists(tmp_path)
    query = lists['queries'][0]
    query.update(camid=None, ap=None, first_match=None, pid='x')
    query['gallery'] = [{'img_path': query['img_path'], 'distance': None, 'match': False}]
    lists['queries'][1]['ap'] = float('nan')
    lists['queries'][2]['gallery'] = []
    del lists['prefix'], lists['distance']
    assert sorted(len(row) for row in rows_of(draw_ranking_lists(lists))) == [1, 2, 4]


def test_selection_orders():
    lists = {
        'queries': [
            {'ap': ap, 'name': i}
            for i, ap in enumerate((0.5, 0.1, 0.9, 0.3, 0.7, 0.1, 1.0, 0.0, 0.2))
        ]
    }
    assert aps(select_queries(lists, 3)) == [1.0, 0.3, 0.0]
    assert aps(select_queries(lists, 5, 'spread')) == [1.0, 0.7, 0.3, 0.1, 0.0]
    assert aps(select_queries(lists, 1, 'spread')) == [0.3]
    assert aps(select_queries(lists, 2, 'best')) == [1.0, 0.9]
    worst = select_queries(lists, 3, 'worst')
    assert [query['name'] for query in worst] == [7, 1, 5]
    assert len(select_queries(lists, 99, 'spread')) == 9


@pytest.mark.parametrize('num', range(1, 14))
def test_spread_never_repeats_a_query(num):
    lists = {'queries': [{'ap': i / 13} for i in range(13)]}
    assert len(set(aps(select_queries(lists, num)))) == num


def test_random_selection_depends_on_its_seed_alone():
    lists = {'queries': [{'ap': i / 100} for i in range(100)]}
    first = aps(select_queries(lists, 8, 'random', seed=1))
    assert first == aps(select_queries(lists, 8, 'random', seed=1)) == sorted(first)
    assert first != aps(select_queries(lists, 8, 'random', seed=2))


def test_query_without_ap_is_the_worst():
    lists = {'queries': [{'ap': 0.0}, {'ap': None}, {'ap': 0.5}]}
    assert aps(select_queries(lists, 1, 'worst')) == [None]


@pytest.mark.parametrize(
    'arguments, message', [({'num': 0}, 'num.*0'), ({'num': 1, 'order': 'bset'}, "order.*'bset'")]
)
def test_bad_selection_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        select_queries({'queries': [{'ap': 1.0}]}, **arguments)


def test_bad_topk_is_refused(tmp_path):
    with pytest.raises(ValueError, match='topk.*0'):
        draw_ranking_lists(make_lists(tmp_path), topk=0)


def corrupt(lists, *keys, value=None):
    lists = copy.deepcopy(lists)
    node = lists
    for key in keys[:-1]:
        node = node[key]
    if value is None:
        del node[keys[-1]]
    else:
        node[keys[-1]] = value
    return lists


@pytest.mark.parametrize(
    'keys, value, message',
    [
        (('queries',), None, "non-empty list 'queries'"),
        (('queries',), [], "non-empty list 'queries'"),
        (('queries', 1), 'text', r'queries\[1\] is a str'),
        (('queries', 1, 'ap'), None, r"queries\[1\] lacks \['ap'\]"),
        (('queries', 1, 'ap'), 'high', r"queries\[1\]\['ap'\] is 'high'"),
        (('queries', 0, 'img_path'), 5, r"\['img_path'\] is 5"),
        (('queries', 0, 'gallery'), 3, r"\['gallery'\] is not a list"),
        (('queries', 0, 'gallery', 2, 'match'), None, r"gallery\[2\] lacks \['match'\]"),
        (('queries', 0, 'gallery', 2, 'distance'), True, r"\['distance'\] is True"),
    ],
)
def test_malformed_lists_are_refused_with_the_place(tmp_path, keys, value, message):
    path = tmp_path / 'reid.json'
    path.write_text(json.dumps(corrupt(make_lists(tmp_path), *keys, value=value)))
    with pytest.raises(ValueError, match=message):
        load_ranking_lists(path)


def test_text_that_is_no_json_is_refused_with_its_path(tmp_path):
    path = tmp_path / 'reid.json'
    path.write_text('{"queries": [')
    with pytest.raises(ValueError, match='reid.json is not valid JSON'):
        load_ranking_lists(path)


def test_saved_png_holds_the_picture(tmp_path):
    lists = make_lists(tmp_path)
    source, out = tmp_path / 'reid.json', tmp_path / 'new' / 'reid.png'
    source.write_text(json.dumps(lists))
    assert save_ranking_lists(source, out, num_queries=2, order='best') == out
    expected = draw_ranking_lists(lists, num_queries=2, order='best')
    np.testing.assert_array_equal(cv2.imread(str(out))[..., ::-1], expected)
    assert [path.name for path in out.parent.iterdir()] == ['reid.png']
