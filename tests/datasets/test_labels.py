"""Labels from folders, paths, tables and functions; each mistake is named with its place."""

import json
import pickle

import pytest
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS

from reid_fusedloss.datasets import ReIDDataset
from reid_fusedloss.datasets.labels import read_csv
from reid_fusedloss.engine.config import load_config
from tests.conftest import folder_from

NAMES = ('0001_c1.jpg', '0001_c2.jpg', '0002_c1.jpg')


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level('INFO', logger='mmengine'):
        yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


def train_set(root, labels, source='train', **options):
    return ReIDDataset(str(root), 'train', labels=labels, sources=dict(train=source), **options)


def records(dataset, *keys):
    found = [dataset.get_data_info(number) for number in range(len(dataset))]
    return [tuple(record.get(key) for key in keys) for record in found]


@pytest.fixture
def images(tmp_path, make_images):
    make_images(tmp_path / 'train', [*NAMES, 'two words, really.jpg'])
    return tmp_path


def write(root, text, name='labels.csv'):
    (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


# folders and paths


def test_folders(tmp_path, make_images):
    for folder, names in dict(anna=['a.jpg'], bert=['a.jpg', 'b.png'], carl=['a.jpg']).items():
        make_images(tmp_path / 'train' / folder, names)
    make_images(tmp_path / 'train' / 'carl' / 'night', ['n.jpg'])
    (tmp_path / 'train' / '.cache').mkdir()
    (tmp_path / 'train' / 'loop').symlink_to(tmp_path / 'train')
    (tmp_path / 'train' / 'dora').symlink_to(tmp_path / 'train' / 'anna')
    dataset = train_set(tmp_path, 'folder')
    pids = ['anna', 'bert', 'bert', 'carl', 'night', 'dora']
    assert sorted(records(dataset, 'pid')) == sorted((pid,) for pid in pids)
    assert set(records(dataset, 'camid', 'clothes', 'track')) == {(None, None, None)}
    assert 'clothes' not in dataset.get_data_info(0) and 'track' not in dataset.get_data_info(0)
    globbed = train_set(tmp_path, 'folder', 'train/[ab]*/*')
    assert records(globbed, 'pid', 'gt_label') == [('anna', 0), ('bert', 1), ('bert', 1)]


def test_folders_and_names(tmp_path, make_images):
    make_images(tmp_path / 'train' / '001' / 'day1', ['c2_x.jpg'])
    make_images(tmp_path / 'train' / '002' / 'day2', ['c1_x.jpg', 'c3_x.jpg'])
    labels = dict(type='folder', level=2, pattern=r'c(?P<camid>\d)')
    assert records(train_set(tmp_path, labels), 'pid', 'camid') == [(1, 2), (2, 1), (2, 3)]
    with pytest.raises(ValueError, match='train/001/day1/c2_x.jpg: the name does not fit'):
        train_set(tmp_path, dict(labels, pattern=r'cam(?P<camid>\d)'))


def test_an_image_outside_all_folders(tmp_path, make_images):
    make_images(tmp_path / 'train' / '001', ['a.jpg'])
    make_images(tmp_path / 'train', ['stray.jpg'])
    with pytest.raises(ValueError, match='stray.jpg: no folder of an identity .*level=1'):
        train_set(tmp_path, 'folder')


def test_a_folder_that_contradicts_the_name(tmp_path, make_images):
    make_images(tmp_path / 'train' / '1', ['0001_c1.jpg'])
    make_images(tmp_path / 'train' / '3', ['0002_c1.jpg'])
    labels = dict(type='folder', pattern=r'(?P<pid>\d+)_c(?P<camid>\d)')
    with pytest.raises(ValueError, match="train/3/0002_c1.jpg: pid is '3' here and '0002' in the"):
        train_set(tmp_path, labels)
    (tmp_path / 'train' / '3').rename(tmp_path / 'train' / '2')
    assert records(train_set(tmp_path, labels), 'pid', 'camid') == [(1, 1), (2, 1)]


def test_paths(tmp_path, make_images):
    make_images(tmp_path / 'cam1' / '0007', ['0001.jpg'])
    make_images(tmp_path / 'cam2' / '0008', ['0001.jpg'])
    labels = dict(type='path', pattern=r'cam(?P<camid>\d)/(?P<pid>\d+)/')
    dataset = train_set(tmp_path, labels, ['cam1', 'cam2'])
    assert records(dataset, 'pid', 'camid') == [(7, 1), (8, 2)]
    make_images(tmp_path / 'cam2', ['0001.jpg'])
    with pytest.raises(ValueError, match='cam2/0001.jpg: the path below .* does not fit'):
        train_set(tmp_path, labels, ['cam1', 'cam2'])


def test_names_with_further_labels(tmp_path, make_images):
    make_images(tmp_path / 'train', ['1_a_c1_t3.jpg', '2_b_c1_t4.jpg'])
    pattern = r'(?P<pid>\d+)_(?P<clothes>\w)_c(?P<camid>\d)_t(?P<track>\d)'
    for labels in (dict(pattern=pattern), dict(labels=dict(type='name', pattern=pattern))):
        dataset = ReIDDataset(str(tmp_path), 'train', sources=dict(train='train'), **labels)
        assert records(dataset, 'pid', 'clothes', 'camid', 'track') == [
            (1, 'a', 1, 3),
            (2, 'b', 1, 4),
        ]


def test_animals_by_config_alone(repository):
    """The numbers of animals and photos are those of the folders and files on the disk."""
    root = folder_from('NYALA_ROOT')
    cfg = load_config(str(repository / 'configs' / 'animals' / 'nyala.py'))
    for loader, folder in ((cfg.train_dataloader, 'train'), (cfg.test_dataloader, 'test')):
        dataset = DATASETS.build(loader.dataset)
        photos = list((root / folder).glob('*/*.jpg'))
        assert dataset.metainfo['num_ids'] == len({path.parent for path in photos})
        assert len(dataset) == len(photos) * (1 if folder == 'train' else 2)
        assert dataset.metainfo['num_cams'] == len({p.name.split('_')[0] for p in photos})


# tables


def test_csv(images, log):
    text = (
        'img_path,pid,colour,camid\n'
        'train/0001_c1.jpg,anna,red,1\n\n'
        '"train/two words, really.jpg", bert ,blue,2\n'
    )
    for form in (text, text.replace('\n', '\r\n'), '\ufeff' + text):
        dataset = train_set(write(images, form), 'csv', 'labels.csv')
        assert records(dataset, 'img_path', 'pid', 'camid') == [
            (f'{images}/train/0001_c1.jpg', 'anna', 1),
            (f'{images}/train/two words, really.jpg', 'bert', 2),
        ]
    assert "columns that are not read: ['colour']" in log()


def test_csv_columns_rows_and_the_name(images):
    write(images, 'file;who;split\n0001_c1;1;train\n0002_c1;2;train\n0001_c2;1;test\n')
    labels = dict(
        type='csv',
        columns=dict(img_path='file', pid='who'),
        delimiter=';',
        folder='train',
        suffix='.jpg',
        pattern=r'(?P<pid>\d+)_c(?P<camid>\d)',
    )
    source = dict(file='labels.csv', where=dict(split='train'))
    dataset = train_set(images, labels, source)
    assert records(dataset, 'pid', 'camid') == [(1, 1), (2, 1)]
    assert len(train_set(images, labels, 'labels.csv')) == 3
    only_names = dict(labels, columns=dict(img_path='file'))
    assert records(train_set(images, only_names, source), 'pid', 'camid') == [(1, 1), (2, 1)]


def test_a_list_without_a_first_line(images):
    write(images, '0001_c1 x 1 \n"0002_c1"  x 2\n', 'list.txt')
    labels = dict(
        type='csv', columns=['img_path', None, 'pid'], delimiter=' ', folder='train', suffix='.jpg'
    )
    assert records(train_set(images, labels, 'list.txt'), 'pid') == [(1,), (2,)]


HEAD = 'img_path,pid,camid\ntrain/0001_c1.jpg,1,1\n'


@pytest.mark.parametrize(
    'text, error, words',
    [
        ('img_path,camid\n', ValueError, r"labels.csv line 1: no column \['pid'\]; it has"),
        ('', ValueError, r'line 1: no column'),
        ('img_path,pid\n', ValueError, 'labels.csv: no row'),
        (HEAD + 'train/0002_c1.jpg,,1\n', ValueError, 'labels.csv line 3: pid is empty'),
        (HEAD + 'train/0002_c1.jpg,2, \n', ValueError, 'line 3: camid is empty'),
        (HEAD + ',2,1\n', ValueError, 'line 3: img_path is empty'),
        (HEAD + ',,\n', ValueError, 'line 3: img_path is empty'),
        (HEAD + 'train/0002_c1.jpg,2\n', ValueError, 'line 3: 2 values .* in 3 columns'),
        (HEAD + '\ntrain/0001_c1.jpg,1,1\n', ValueError, 'line 4: .* already, in .* line 2'),
        (HEAD + 'train/none.jpg,2,1\n', FileNotFoundError, 'none.jpg .*labels.csv line 3'),
        (HEAD + 'train,2,1\n', FileNotFoundError, 'line 3. is not a file'),
        (HEAD + '"train/0002_c1.jpg"x,2,1\n', ValueError, 'line 3: '),
        (b'\xff\xfe\x00', ValueError, 'labels.csv is not valid UTF-8'),
    ],
)
def test_a_bad_line_is_named(images, text, error, words):
    with pytest.raises(error, match=words):
        train_set(write(images, text), 'csv', 'labels.csv')


@pytest.mark.parametrize(
    'change, error, words',
    [
        (dict(delimiter=';;'), ValueError, "one character, got ';;'"),
        (dict(columns=dict(img_path='img_path', cam='camid')), ValueError, r"\['cam'\]"),
        (dict(columns=dict(camid='camera')), ValueError, r"line 1: no column \['camera'\]; it has"),
        (dict(columns='img_path'), TypeError, "'img_path'"),
        (dict(source='none.csv'), FileNotFoundError, 'none.csv'),
        (dict(source=dict(file='labels.csv', where=dict(split='x'))), ValueError, r"\['split'\]"),
        (dict(source=dict(file='labels.csv', where=dict(pid=9))), ValueError, "with {'pid': 9}"),
        (dict(source=dict(path='labels.csv')), TypeError, "'path': 'labels.csv'"),
        (dict(pattern=r'(?P<pid>\d+)_c2'), ValueError, 'line 2, 0001_c1.jpg: the name does not'),
        (dict(pattern=r'\d+_(?P<camid>c1)'), ValueError, "camid is '1' here and 'c1' in"),
    ],
)
def test_bad_options_of_a_table(images, change, error, words):
    write(images, HEAD)
    options = dict(change)
    with pytest.raises(error, match=words):
        read_csv(images, options.pop('source', 'labels.csv'), **options)


ROWS = [('train/0001_c1.jpg', 1, 2), ('train/0002_c1.jpg', 7, 1)]


@pytest.mark.parametrize(
    'document, options, key',
    [
        ([dict(zip(('img_path', 'pid', 'camid'), row)) for row in ROWS], {}, None),
        ({path: dict(pid=pid, camid=camid) for path, pid, camid in ROWS}, {}, None),
        (
            [dict(train=[dict(zip('fpc', row)) for row in ROWS])],
            dict(columns=dict(img_path='f', pid='p', camid='c')),
            [0, 'train'],
        ),
        (dict(train=ROWS), dict(columns=['img_path', 'pid', 'camid']), 'train'),
    ],
    ids=['objects', 'paths', 'names', 'lists'],
)
def test_json(images, document, options, key):
    write(images, json.dumps(document), 'labels.json')
    source = 'labels.json' if key is None else dict(file='labels.json', key=key)
    dataset = train_set(images, dict(type='json', **options), source)
    assert records(dataset, 'pid', 'camid', 'gt_label') == [(1, 2, 0), (7, 1, 1)]


def test_json_of_identities_alone(images):
    write(images, json.dumps({row[0]: row[1] for row in ROWS}), 'labels.json')
    dataset = train_set(images, 'json', 'labels.json')
    assert records(dataset, 'pid', 'camid') == [(1, None), (7, None)]


@pytest.mark.parametrize(
    'text, words',
    [
        ('{\n"a": 1,\n}', 'labels.json line 3: not valid JSON'),
        ('5', 'must be a list or an object'),
        ('["train/0001_c1.jpg"]', 'labels.json entry 1: a row must be an object'),
        ('{"train/0001_c1.jpg": 1, "train/0001_c1.jpg": 2}', 'duplicate key'),
        ('[{"img_path": "train/0001_c1.jpg", "pid": ""}]', 'entry 1: pid is empty'),
        (
            '[{"img_path": "train/0001_c1.jpg", "pid": 1}, {"img_path": "train/0002_c1.jpg"}]',
            'entry 2: no pid',
        ),
        ('[{"img_path": "train/0001_c1.jpg", "id": 1}]', r"labels.json: no column \['pid'\]"),
    ],
)
def test_a_bad_json_file_is_named(images, text, words):
    with pytest.raises(ValueError, match=words):
        train_set(write(images, text, 'labels.json'), 'json', 'labels.json')


def test_labels_of_another_type(images):
    write(images, json.dumps({ROWS[0][0]: 1.5}), 'labels.json')
    with pytest.raises(TypeError, match='pid must be a string or an integer, got 1.5'):
        train_set(images, 'json', 'labels.json')


def test_some_images_without_a_camera(images):
    rows = [dict(img_path=ROWS[0][0], pid=1, camid=1), dict(img_path=ROWS[1][0], pid=2)]
    write(images, json.dumps(rows), 'labels.json')
    with pytest.raises(ValueError, match='1 of 2 images have no camid, .*0002_c1.jpg'):
        train_set(images, 'json', 'labels.json')


def test_tables_that_contradict_each_other(images):
    write(images, 'img_path,pid\ntrain/0001_c1.jpg,1\ntrain/0002_c1.jpg,2\n', 'a.csv')
    write(images, 'img_path,pid\ntrain/0002_c1.jpg,3\n', 'b.csv')
    with pytest.raises(ValueError, match='0002_c1.jpg is named twice with different labels'):
        train_set(images, 'csv', ['a.csv', 'b.csv'])


# functions


def read_pairs(root, source, *, shift=0):
    """A reader as a user writes it."""
    for name in NAMES:
        yield dict(img_path=f'{source}/{name}', pid=int(name[:4]) + shift, camid=name[6])


def read_globbed(root, source):
    return [dict(img_path=str(path), pid=path.name[:4]) for path in (root / source).glob('0*')]


def read_nothing(root, source):
    return []


def read_wrong(root, source):
    return [dict(img_path=f'{source}/{NAMES[0]}', pid=1), dict(path='x', pid=1)]


@pytest.mark.parametrize('labels', [read_pairs, f'{__name__}.read_pairs'])
def test_a_function_of_ones_own(images, labels):
    expected = [(1, 1, 0), (1, 2, 0), (2, 1, 1)]
    dataset = train_set(images, labels)
    assert records(dataset, 'pid', 'camid', 'gt_label') == expected
    shifted = train_set(images, dict(type=labels, shift=10))
    assert records(shifted, 'pid') == [(11,), (11,), (12,)]
    assert len(pickle.loads(pickle.dumps(dataset))) == 3  # as it goes to a loader's process


def test_a_relative_data_root(images, monkeypatch):
    monkeypatch.chdir(images.parent)
    dataset = train_set(images.name, read_globbed)
    assert records(dataset, 'pid') == [(1,), (1,), (2,)]
    dataset = train_set(images.name, dict(type='name', pattern=r'(?P<pid>\d+|two)'))
    assert dataset.get_data_info(0)['img_path'] == f'{images.name}/train/0001_c1.jpg'


@pytest.mark.parametrize(
    'labels, error, words',
    [
        ('nothing', ValueError, "'nothing'"),
        ('no_module_of_this.name', ValueError, "'no_module_of_this' can be imported.*PYTHONPATH"),
        (f'{__name__}.read_none', ValueError, "no function 'read_none'"),
        (5, TypeError, 'got 5'),
        (dict(pattern='x'), TypeError, "got {'pattern': 'x'}"),
        ('name', TypeError, "'name' .*missing a required argument: 'pattern'"),
        (dict(type='csv', delimter=';'), TypeError, "unexpected keyword argument 'delimter'"),
        (read_nothing, ValueError, "read_nothing' found no image in 'train'"),
        (read_wrong, ValueError, r"record 2 of read_wrong: the keys .* got \['path'\]"),
    ],
)
def test_bad_labels(images, labels, error, words):
    with pytest.raises(error, match=words):
        train_set(images, labels)


def test_pattern_and_labels(images):
    with pytest.raises(ValueError, match='are both given'):
        train_set(images, 'folder', pattern=r'(?P<pid>\d+)')
    with pytest.raises(ValueError, match='needs `pattern` or `labels`'):
        ReIDDataset(str(images), 'train', sources=dict(train='train'))


def test_no_cameras_and_no_split(tmp_path, make_images, log):
    for folder in ('1', '2'):
        make_images(tmp_path / 'all' / folder, ['a.jpg', 'b.jpg'])
    options = dict(labels='folder', sources=dict(train='all', query='all', gallery='all'))
    with pytest.raises(ValueError, match="4 files are query and gallery.*'leave_one_out'"):
        ReIDDataset(str(tmp_path), 'test', **options)
    with pytest.raises(ValueError, match="protocol must be one of .*, got 'leave_one'"):
        ReIDDataset(str(tmp_path), 'test', protocol='leave_one', **options)
    dataset = ReIDDataset(str(tmp_path), 'test', protocol='leave_one_out', **options)
    assert records(dataset, 'is_query') == [(True,)] * 4 + [(False,)] * 4
    assert dataset.metainfo['protocol'] == 'leave_one_out'
    assert log().count('8 of 8 test images are training images') == 1


def test_training_rows_in_the_test_are_told(images, log):
    write(images, HEAD + 'train/0002_c1.jpg,2,1\ntrain/0001_c2.jpg,1,2\n')
    query = dict(file='labels.csv', where=dict(camid=1))
    sources = dict(train='labels.csv', query=query, gallery='labels.csv')
    ReIDDataset(str(images), 'test', labels='csv', sources=sources)
    assert log().count('5 of 5 test images are training images') == 1
