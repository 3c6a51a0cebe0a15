"""Each benchmark reads made-up files of its true layout as its authors number them."""

import inspect

import numpy as np
import pytest
from scipy.io import savemat

from reid_fusedloss import datasets, logs
from reid_fusedloss.datasets import (
    LTCC,
    MARS,
    MSMT17V2,
    PRCC,
    SYSUMM01,
    PRCCSameClothes,
    ReIDDataset,
    SYSUMM01Indoor,
    VehicleID,
)
from reid_fusedloss.datasets.protocols import PROTOCOLS, protocol_name
from reid_fusedloss.functional.ranking.protocols import make_protocol


def read(kind, root, split, *keys, **options):
    return [tuple(record.get(key) for key in keys) for record in kind(str(root), split, **options)]


@pytest.fixture
def write(tmp_path, make_images):
    """Write images below a folder, from their paths."""

    def write_images(*paths):
        for path in paths:
            make_images((tmp_path / path).parent, [path.rsplit('/', 1)[1]])
        return tmp_path

    return write_images


def test_ltcc(write):
    root = write(
        'train/000_1_c3_015881.png',
        'train/000_2_c10_015882.png',
        'train/007_1_c3_000001.png',
        'query/094_1_c9_004286.png',
        'test/094_2_c9_004287.png',
    )
    keys = ('pid', 'camid', 'clothes', 'is_query')
    assert read(LTCC, root, 'train', *keys) == [(0, 3, 1, 0), (0, 10, 2, 0), (7, 3, 1, 0)]
    assert read(LTCC, root, 'test', *keys) == [(94, 9, 1, True), (94, 9, 2, False)]


def test_prcc(write):
    root = write(
        'rgb/train/001/A_cropped_rgb001.jpg',
        'rgb/train/001/C_cropped_rgb371.jpg',
        'rgb/train/002/B_cropped_rgb100.jpg',
        'rgb/val/002/B_cropped_rgb101.jpg',
        'rgb/test/A/065/cropped_rgb001.jpg',
        'rgb/test/B/065/cropped_rgb001.jpg',
        'rgb/test/C/065/cropped_rgb001.jpg',
        'sketch/train/001/A_sketch.jpg',
    )
    keys = ('pid', 'camid', 'clothes', 'is_query')
    assert read(PRCC, root, 'train', *keys) == [
        (1, 'A', 'AB', False),
        (1, 'C', 'C', False),
        (2, 'B', 'AB', False),
    ]
    assert read(PRCC, root, 'test', *keys) == [(65, 'C', 'C', True), (65, 'A', 'AB', False)]
    assert read(PRCCSameClothes, root, 'test', *keys)[0] == (65, 'B', 'AB', True)


def test_prcc_layout_is_checked(write):
    root = write('rgb/train/001/D_cropped_rgb001.jpg', 'rgb/train/002/A_cropped_rgb001.jpg')
    with pytest.raises(ValueError, match='001/D_cropped_rgb001.jpg: .* does not fit'):
        PRCC(str(root), 'train')


def test_vehicleid(write):
    root = write(*(f'image/{number:07d}.jpg' for number in range(1, 7)))
    lists = root / 'train_test_split'
    lists.mkdir()
    (lists / 'train_list.txt').write_text('0000001 12\n0000002 3\r\n0000004 12\n')
    (lists / 'test_list_800.txt').write_text('0000006 5\n0000005 5\n0000003 9\n')
    train = read(VehicleID, root, 'train', 'img_path', 'pid', 'camid', 'gt_label')
    assert train == [
        (f'{root}/image/0000001.jpg', 12, None, 1),
        (f'{root}/image/0000002.jpg', 3, None, 0),
        (f'{root}/image/0000004.jpg', 12, None, 1),
    ]
    tested = read(VehicleID, root, 'test', 'pid', 'is_query')
    assert tested == [(pid, query) for query in (True, False) for pid in (9, 5, 5)]
    with pytest.raises(ValueError, match='3 files are query and gallery.*leave_one_out'):
        VehicleID(str(root), 'test', protocol='same_camera')
    (lists / 'train_list.txt').write_text('0000001 12\n0000009 3\n')
    with pytest.raises(FileNotFoundError, match='0000009.jpg .*train_list.txt line 2'):
        VehicleID(str(root), 'train')


def test_sysu_mm01(write):
    root = write(
        'cam1/0001/0001.jpg',
        'cam3/0001/0001.jpg',
        'cam4/0002/0001.jpg',
        'cam1/0003/0001.jpg',  # of no list
        'cam2/0006/0001.jpg',
        'cam2/0006/0002.jpg',
        'cam5/0006/0001.jpg',
        'cam6/0006/0001.jpg',
        'cam3/0010/0001.jpg',
        'cam1/0010/0001.jpg',
    )
    (root / 'exp').mkdir()
    for name, text in dict(train='1', val='2\n', test='6,10').items():
        (root / 'exp' / f'{name}_id.txt').write_text(text)
    keys = ('pid', 'camid', 'is_query')
    assert read(SYSUMM01, root, 'train', *keys) == [(1, 1, 0), (1, 3, 0), (2, 4, 0)]
    queries = [(10, 3, True), (6, 6, True)]
    gallery = [(10, 1, False), (6, 2, False), (6, 2, False)]
    assert read(SYSUMM01, root, 'test', *keys) == [*queries, *gallery, (6, 5, False)]
    assert read(SYSUMM01Indoor, root, 'test', *keys) == [*queries, *gallery]
    (root / 'exp' / 'test_id.txt').write_text('6 10')
    with pytest.raises(ValueError, match='test_id.txt: identities must be numbers'):
        SYSUMM01(str(root), 'test')
    with pytest.raises(TypeError, match="dict.ids=, cameras=., got 'cam1'"):
        SYSUMM01(str(root), 'train', sources=dict(train='cam1'))


@pytest.fixture
def mars(write):
    """Two training tracklets, and in the test a query, another, junk and a distractor."""
    names = dict(
        train=['0001C1T0001F001.jpg', '0001C1T0001F002.jpg', '0003C2T0001F001.jpg'],
        test=[
            '00-1C1T0001F001.jpg',
            '0000C1T0001F001.jpg',
            '0002C1T0001F001.jpg',
            '0002C1T0001F002.jpg',
            '0002C2T0001F001.jpg',
        ],
    )
    root = write(
        *(f'bbox_{split}/{name[:4]}/{name}' for split, part in names.items() for name in part)
    )
    (root / 'info').mkdir()
    for split, part in names.items():
        (root / 'info' / f'{split}_name.txt').write_text('\n'.join(part) + '\n')
    tracks = dict(
        train=[[1, 2, 1, 1], [3, 3, 3, 2]],
        test=[[1, 1, -1, 1], [2, 2, 0, 1], [3, 4, 2, 1], [5, 5, 2, 2]],
    )
    for split, rows in tracks.items():
        table = {f'track_{split}_info': np.array(rows, dtype=float)}
        savemat(root / 'info' / f'tracks_{split}_info.mat', table)
    savemat(root / 'info' / 'query_IDX.mat', dict(query_IDX=np.array([[4.0]])))
    return root


def test_mars(mars):
    keys = ('pid', 'camid', 'track', 'is_query')
    assert read(MARS, mars, 'train', *keys) == [(1, 1, 1, 0), (1, 1, 1, 0), (3, 2, 2, 0)]
    assert read(MARS, mars, 'test', *keys) == [
        (2, 2, 4, True),
        (0, 1, 2, False),
        (2, 1, 3, False),
        (2, 1, 3, False),
    ]


def test_mars_has_three_sources(mars):
    with pytest.raises(ValueError, match="the source must be .*, got 'bbox_train'"):
        MARS(str(mars), 'train', sources=dict(train='bbox_train'))


def test_mars_files_that_contradict_each_other(mars):
    info = mars / 'info'
    good = info.joinpath('test_name.txt').read_text()
    info.joinpath('test_name.txt').write_text(good.replace('0002C2', '0002C3'))
    with pytest.raises(ValueError, match='0002C3T0001F001.jpg is in tracklet 4, .* camera 2'):
        MARS(str(mars), 'test')
    info.joinpath('test_name.txt').write_text('\n'.join(good.split()[:3]))
    with pytest.raises(ValueError, match='tracklet 4 has images 5 to 5 of 3'):
        MARS(str(mars), 'test')
    info.joinpath('test_name.txt').write_text(good)
    info.joinpath('query_IDX.mat').write_bytes(b'no matrix')
    with pytest.raises(ValueError, match='query_IDX.mat is not a .mat file'):
        MARS(str(mars), 'test')
    info.joinpath('query_IDX.mat').unlink()
    with pytest.raises(FileNotFoundError, match='query_IDX.mat'):
        MARS(str(mars), 'test')


def test_msmt17_v2(write):
    root = write(
        'mask_train_v2/0000/0000_000_01_0303morning_0008_0_ex.jpg',
        'mask_train_v2/0001/0001_000_02_0303morning_0008_0.jpg',
        'mask_test_v2/0007/0007_000_03_0303noon_0008_0.jpg',
        'mask_test_v2/0007/0007_001_15_0303noon_0008_0.jpg',
    )
    lists = dict(
        train='0000/0000_000_01_0303morning_0008_0_ex.jpg 0\n'
        '0001/0001_000_02_0303morning_0008_0.jpg 1\n',
        query='0007/0007_000_03_0303noon_0008_0.jpg 7\n',
        gallery='0007/0007_001_15_0303noon_0008_0.jpg 7\n',
    )
    for name, text in lists.items():
        (root / f'list_{name}.txt').write_text(text)
    assert read(MSMT17V2, root, 'train', 'pid', 'camid') == [(0, 1), (1, 2)]
    keys = ('pid', 'camid', 'is_query')
    assert read(MSMT17V2, root, 'test', *keys) == [(7, 3, True), (7, 15, False)]


def test_published_tracks_are_compared(mars, monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda text, **_: lines.append(text))
    MARS(str(mars), 'train')
    assert lines[0] == 'MARS train: 2 identities, 3 images, 2 cameras, 2 tracks'
    assert lines[1].startswith('MARS train: found 2 identities / 3 images, published are 625 / 50')
    assert lines[2].startswith('MARS train: found 2 tracks, published are 8298')


KINDS = [
    kind
    for _, kind in inspect.getmembers(datasets, inspect.isclass)
    if issubclass(kind, ReIDDataset)
    and kind not in (datasets.SyntheticReID, datasets.JointReIDDataset)
]


@pytest.mark.parametrize('kind', KINDS, ids=lambda kind: kind.__name__)
def test_declarations_are_whole(kind):
    """What a class may declare, and counts of all roles that it has."""
    assert make_protocol(kind.PROTOCOL) and protocol_name(kind.PROTOCOL) in PROTOCOLS
    if kind not in (ReIDDataset, datasets.JointReIDDataset):
        assert set(kind.SOURCES) == set(kind.COUNTS) == {'train', 'query', 'gallery'}
        assert set(kind.TRACKS) <= set(kind.SOURCES)


def test_the_published_totals():
    """The parts of each benchmark sum up to the totals that its authors publish."""
    images = {
        kind.__name__: {role: count[1] for role, count in kind.COUNTS.items()} for kind in KINDS
    }
    assert sum(images['LTCC'].values()) == 17119
    # camera B's queries make PRCC whole; 5,002 more are for validation
    assert sum(images['PRCC'].values()) + images['PRCCSameClothes']['query'] == 33698 - 5002
    assert sum(MARS.TRACKS.values()) == 8298 + 12180 - 870  # 870 tracklets are junk
    assert images['SYSUMM01']['train'] == 22258 + 11909  # visible and infrared
