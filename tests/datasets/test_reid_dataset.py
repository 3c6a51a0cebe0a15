import os
from contextlib import nullcontext

import numpy as np
import pytest

from reid_fusedloss import logs
from reid_fusedloss.datasets import MSMT17, Market1501, MSMT17TrainVal, ReIDDataset
from reid_fusedloss.datasets.file_names import to_labels, warn_of_misfits


@pytest.fixture
def market(tmp_path, make_images):
    root = tmp_path / '12_c3' / 'market'  # a folder that looks like a name must not be parsed
    make_images(
        root / 'bounding_box_train',
        ['0007_c2s1_000001_00.jpg', '0002_c1s1_000451_03.jpg', '0002_c3s1_000452_03.jpg.jpg'],
    )
    make_images(root / 'query', ['0001_c1s1_000001_00.jpg'])
    make_images(
        root / 'bounding_box_test',
        ['-1_c1s1_000401_03.jpg', '0000_c1s1_000151_01.jpg', '0001_c6s1_000001_00.jpg'],
    )
    (root / 'query' / 'Thumbs.db').write_text('not an image')
    return root


def test_train_records_and_labels(market):
    dataset = Market1501(str(market), 'train')
    records = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [(r['pid'], r['camid'], r['gt_label']) for r in records] == [
        (2, 1, 0),
        (2, 3, 0),
        (7, 2, 1),
    ]
    assert dataset.get_gt_labels().tolist() == [0, 0, 1]
    assert (dataset.metainfo['num_ids'], dataset.metainfo['num_cams']) == (2, 3)


def test_junk_is_dropped_distractors_stay(market):
    dataset = Market1501(str(market), 'test')
    records = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [(r['pid'], r['camid'], r['is_query']) for r in records] == [
        (1, 1, True),
        (0, 1, False),
        (1, 6, False),
    ]
    assert 'gt_label' not in records[0]


def test_max_ids_keeps_the_first_identities(tmp_path, make_images):
    make_images(
        tmp_path / 'bounding_box_train',
        [f'{pid:04d}_c{cam}s1_000001_00.jpg' for pid in (9, 2, 30) for cam in (1, 2)],
    )
    train = Market1501(str(tmp_path), 'train', max_ids=2)
    assert [(r['pid'], r['gt_label']) for r in train] == [(2, 0), (2, 0), (9, 1), (9, 1)]
    assert train.metainfo['num_ids'] == 2
    assert len(Market1501(str(tmp_path), 'train', max_ids=4)) == 6


def test_max_ids_in_testing_are_those_of_the_queries(tmp_path, make_images):
    make_images(tmp_path / 'query', ['0005_c1s1_000001_00.jpg', '0003_c1s1_000001_00.jpg'])
    make_images(
        tmp_path / 'bounding_box_test',
        [
            '0000_c1s1_000151_01.jpg',
            '0001_c2s1_000001_00.jpg',
            '0003_c2s1_000001_00.jpg',
            '0005_c2s1_000001_00.jpg',
        ],
    )
    dataset = Market1501(str(tmp_path), 'test', max_ids=1)
    assert [(r['pid'], r['is_query']) for r in dataset] == [(3, True), (3, False)]


@pytest.mark.parametrize(
    'max_ids, error',
    [(0, ValueError), (-1, ValueError), ('2', TypeError), (2.0, TypeError), (True, TypeError)],
)
def test_max_ids_is_a_count(market, max_ids, error):
    with pytest.raises(error, match='max_ids'):
        Market1501(str(market), 'train', max_ids=max_ids)


def test_order_does_not_depend_on_the_file_system(market, monkeypatch):
    straight = [r['img_path'] for r in Market1501(str(market), 'train')]
    scandir = os.scandir
    monkeypatch.setattr(
        os,
        'scandir',
        lambda folder: nullcontext(
            sorted(scandir(folder), key=lambda entry: entry.name, reverse=True)
        ),
    )
    assert [r['img_path'] for r in Market1501(str(market), 'train')] == straight


def test_published_counts_are_compared(market, caplog):
    with caplog.at_level('WARNING', logger='mmengine'):
        from mmengine.logging import MMLogger

        logger = MMLogger.get_current_instance()
        logger.addHandler(caplog.handler)
        Market1501(str(market), 'train')
        logger.removeHandler(caplog.handler)
    assert 'found 2 identities / 3 images, published are 751 / 12936' in caplog.text


def test_strings_globs_and_no_camera(tmp_path, make_images):
    make_images(tmp_path / 'images', ['bus_01_cam1.jpg', 'bus_01_cam2.jpg', 'car_01_cam1.jpg'])
    dataset = ReIDDataset(
        str(tmp_path),
        'test',
        pattern=r'(?P<pid>[a-z]+_\d+)_cam(?P<camid>\d+)',
        sources=dict(query='images/*_cam1.jpg', gallery='images/*_cam2.jpg'),
    )
    assert [
        (dataset.get_data_info(i)['pid'], dataset.get_data_info(i)['camid']) for i in range(3)
    ] == [('bus_01', 1), ('car_01', 1), ('bus_01', 2)]
    plain = ReIDDataset(
        str(tmp_path), 'train', pattern=r'(?P<pid>[a-z]+)', sources=dict(train='images')
    )
    assert {plain.get_data_info(i)['camid'] for i in range(3)} == {None}


def test_msmt17_lists(tmp_path, make_images):
    make_images(
        tmp_path / 'train' / '0000',
        ['0000_000_01_0303morning_0008_0.jpg', '0000_001_15_0303noon_0008_0.jpg'],
    )
    make_images(tmp_path / 'train' / '0001', ['0001_000_02_0303morning_0008_0.jpg'])
    (tmp_path / 'list_train.txt').write_text(
        '0000/0000_000_01_0303morning_0008_0.jpg 0\n0001/0001_000_02_0303morning_0008_0.jpg 1\n'
    )
    (tmp_path / 'list_val.txt').write_text('0000/0000_001_15_0303noon_0008_0.jpg 0\n')
    assert [r['camid'] for r in MSMT17(str(tmp_path), 'train')] == [1, 2]
    assert [r['camid'] for r in MSMT17TrainVal(str(tmp_path), 'train')] == [1, 15, 2]


def test_numbers_that_would_merge_stay_strings():
    assert to_labels(['02', '10']) == {'02': 2, '10': 10}
    assert to_labels(['02', '2']) == {'02': '02', '2': '2'}
    assert to_labels(['a', '2']) == {'a': 'a', '2': '2'}


@pytest.mark.parametrize(
    'change, error, words',
    [
        (dict(data_root='/nowhere/market'), FileNotFoundError, ['/nowhere/market', 'data_root']),
        (dict(split='val'), ValueError, ["'val'", "'train'"]),
        (dict(sources=dict(train='missing')), FileNotFoundError, ['missing']),
        (dict(sources=dict(train=5)), ValueError, ['5', 'folder']),
        (dict(sources=dict(query='query')), ValueError, ['train']),
        (dict(pattern=r'\d+'), ValueError, ['?P<pid>']),
        (dict(pattern=r'(?P<pid>[a-z]+)'), ValueError, ['0002_c1s1_000451_03.jpg', 'pattern']),
        (dict(pattern=r'(?P<pid>-?\d+)_c(?P<cam>\d)'), ValueError, ["['cam']", "'pid', 'camid'"]),
        (
            dict(pattern=r'(?P<pid>\d+)_c(?P<camid>\d)s(?P<seq>\d)'),
            ValueError,
            ["['seq']", '(...)'],
        ),
        (dict(junk_pids=('0002', '0007')), ValueError, ['junk']),
        (dict(junk_pids='-1'), TypeError, ["'-1'", 'sequence']),
        (dict(junk_pids=[-1]), TypeError, ['[-1]', 'strings']),
        (dict(pattern=r'(?P<pid>\d+)(_c(?P<camid>9))?'), ValueError, ['0002_c1s1_000451_03.jpg']),
        (dict(sources=dict(train=dict(folder='query'))), ValueError, ['list_file']),
    ],
)
def test_errors_name_value_and_remedy(market, change, error, words):
    arguments = dict(data_root=str(market), split='train') | change
    with pytest.raises(error) as caught:
        Market1501(**arguments)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    'pattern, ending',
    [(r'(?P<pid>-?\d+)_c(?P<camid>\d)', '3 cameras'), (r'(?P<pid>-?\d+)_c\d', 'no cameras')],
)
def test_the_log_counts_cameras(pattern, ending, market, monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda text, **_: lines.append(text))
    dataset = Market1501(str(market), 'train', pattern=pattern)
    ids, images = dataset.metainfo['num_ids'], len(dataset)
    assert f'Market1501 train: {ids} identities, {images} images, {ending}' in lines


def test_how_many_names_do_not_fit(tmp_path, make_images):
    names = ['anna_1.jpg', 'bob_1.jpg', '0001_c1.jpg']
    make_images(tmp_path / 'train', names)
    for pattern, number in ((r'(?P<pid>\d+)', 2), (r'(?P<pid>x+)', 3)):
        with pytest.raises(ValueError, match=f'.jpg: .* not fit .* {number} of 3 names'):
            ReIDDataset(str(tmp_path), 'train', pattern=pattern, sources=dict(train='train'))


def test_a_gallery_of_unknown_people_is_said(monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda text, **_: lines.append(text))
    warn_of_misfits(['a/0002_c1.jpg', 'who.jpg'], r'(?P<pid>\d+)')
    warn_of_misfits([], r'(?P<pid>\d+)')
    assert not lines
    warn_of_misfits(['x/who.jpg', 'x/b.jpg'], r'(?P<pid>\d+)')
    assert lines[0].startswith('0 of 2 names fit') and 'such as who.jpg' in lines[0]


def test_empty_split(tmp_path):
    for folder in ('bounding_box_train', 'query'):
        (tmp_path / folder).mkdir()
    with pytest.raises(ValueError, match='no image'):
        Market1501(str(tmp_path), 'train')


def test_corrupt_image_is_named(market):
    bad = market / 'query' / '0001_c1s1_000001_00.jpg'
    bad.write_bytes(b'no image')
    dataset = Market1501(str(market), 'test', pipeline=[dict(type='reid_fusedloss.LoadReIDImage')])
    with pytest.raises(ValueError, match='0001_c1s1_000001_00.jpg cannot be decoded'):
        dataset[0]
    bad.unlink()
    with pytest.raises(FileNotFoundError, match='no such file'):
        dataset[0]


def test_named_steps_have_their_order(market):
    steps = dict(
        resize=dict(type='Resize', scale=(8, 24)),
        flip=None,
        load=dict(type='reid_fusedloss.LoadReIDImage'),
    )
    item = Market1501(str(market), 'train', pipeline=steps)[0]
    assert item['img'].shape == (24, 8, 3)
    with pytest.raises(ValueError, match="'rezise'"):
        Market1501(str(market), 'train', pipeline=dict(rezise=dict(type='Resize', scale=(8, 24))))


def test_market1501_counts_and_official_lists(market1501_root):
    """Positives and junk of the protocol equal the data set's own lists for all queries."""
    from scipy.io import loadmat

    dataset = Market1501(str(market1501_root), 'test')
    records = [dataset.get_data_info(i) for i in range(len(dataset))]
    train = Market1501(str(market1501_root), 'train')
    assert (train.metainfo['num_ids'], len(train), len(dataset)) == (751, 12936, 3368 + 15913)
    # the official lists count places in the sorted folder, -1 files included
    names = sorted(p.name for p in (market1501_root / 'bounding_box_test').glob('*.jpg'))
    place = {name: number for number, name in enumerate(names, start=1)}
    gallery = [r for r in records if not r['is_query']]
    numbers = np.array([place[r['img_path'].rsplit('/', 1)[1]] for r in gallery])
    pids = np.array([r['pid'] for r in gallery])
    camids = np.array([r['camid'] for r in gallery])
    dropped = {number for name, number in place.items() if name.startswith('-1')}
    other_junk = 0
    for query in records[:3368]:
        stem = query['img_path'].rsplit('/', 1)[1].split('.')[0]
        same = pids == query['pid']
        good = set(numbers[same & (camids != query['camid'])])
        junk = set(numbers[same & (camids == query['camid'])])
        official = {
            kind: set(
                np.ravel(
                    next(value for key, value in loadmat(path).items() if not key.startswith('__'))
                ).tolist()
            )
            for kind in ('good', 'junk')
            for path in [market1501_root / 'gt_query' / f'{stem}_{kind}.mat']
        }
        assert good == official['good'], stem
        surplus = official['junk'] - dropped - junk
        assert junk <= official['junk'] and len(surplus) <= 1, (stem, surplus)
        other_junk += len(surplus)
    assert other_junk == 13
