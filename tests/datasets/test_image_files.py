"""What folders, globs and list files may hold, and files that are named more than once."""

import os
import re

import pytest
from mmengine.logging import MMLogger

from reid_fusedloss.datasets import Market1501, ReIDDataset
from reid_fusedloss.datasets.file_names import parse_names, to_labels
from reid_fusedloss.datasets.image_files import list_images

PATTERN = r'(?P<pid>\d+)_c(?P<camid>\d+)'
NAMES = ('0001_c1.jpg', '0001_c2.jpg', '0002_c1.jpg')


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level('INFO', logger='mmengine'):
        yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


def train_set(root, **options):
    return ReIDDataset(
        str(root), 'train', **dict(dict(pattern=PATTERN, sources=dict(train='train')), **options)
    )


def names(dataset):
    return [os.path.basename(dataset.get_data_info(i)['img_path']) for i in range(len(dataset))]


def test_folders_and_other_files_are_passed_over(tmp_path, make_images):
    folder = make_images(tmp_path / 'train', NAMES)
    (folder / '0009_c1.jpg').mkdir()
    for name in ('.hidden.jpg', 'Thumbs.db', 'readme', '._0001_c1.jpg', 'jpg'):
        (folder / name).write_text('')
    assert names(train_set(tmp_path)) == list(NAMES)
    (folder / '0003_c1.JPEG').symlink_to(folder / NAMES[0])
    assert names(train_set(tmp_path)) == [*NAMES, '0003_c1.JPEG']


@pytest.mark.parametrize('target', ['0009_c1.jpg', 'nowhere'], ids=['to itself', 'to nothing'])
@pytest.mark.parametrize('source', ['train', 'train/*.jpg'])
def test_a_link_that_leads_nowhere_is_an_error(tmp_path, make_images, target, source):
    folder = make_images(tmp_path / 'train', NAMES)
    (folder / '0009_c1.jpg').symlink_to(folder / target)
    with pytest.raises(FileNotFoundError, match='0009_c1.jpg'):
        train_set(tmp_path, sources=dict(train=source))


def test_folders_that_contain_themselves_end(tmp_path, make_images):
    folder = make_images(tmp_path / 'train', NAMES)
    (folder / 'loop').symlink_to(tmp_path)
    assert names(train_set(tmp_path, sources=dict(train='train'))) == list(NAMES)
    found = list_images(tmp_path, 'train/*/train/*.jpg')
    assert [path.name for path in found] == list(NAMES)


def test_a_pipe_is_no_image(tmp_path, make_images):
    os.mkfifo(make_images(tmp_path / 'train', NAMES) / '0009_c1.jpg')
    with pytest.raises(FileNotFoundError, match='0009_c1.jpg is not a file'):
        train_set(tmp_path)


@pytest.mark.parametrize(
    'name',
    [
        '0007_c1 two words.jpg',
        '0007_c1_späť_行人.jpg',
        '0007_c1\n.jpg',
        '0007_c1"\'$%{}.jpg',
        '0007_c1' + 'x' * 240 + '.jpg',
    ],
)
def test_odd_names_are_read(tmp_path, make_images, name):
    make_images(tmp_path / 'train', [*NAMES, name])
    dataset = train_set(tmp_path, pipeline=[dict(type='reid_fusedloss.LoadReIDImage')])
    assert names(dataset) == [*NAMES, name]
    assert (dataset[3]['pid'], dataset[3]['img'].shape) == (7, (32, 16, 3))


def test_a_name_that_is_no_text_is_named(tmp_path, make_images):
    folder = make_images(tmp_path / 'train', NAMES)
    with open(os.fsencode(folder) + b'/0007_c1_\xff\xfe.jpg', 'wb'):
        pass
    with pytest.raises(ValueError, match=re.escape(r'0007_c1_\udcff\udcfe.jpg: the name is no')):
        train_set(tmp_path)


def test_list_files(tmp_path, make_images):
    make_images(tmp_path / 'train', NAMES)
    source = dict(train=dict(folder='train', list_file='list.txt'))
    lines = [NAMES[0] + ' 0', '', '   ', NAMES[2]]
    for text in ('\n'.join(lines), '\r\n'.join(lines) + '\r\n', '\ufeff' + '\n'.join(lines)):
        (tmp_path / 'list.txt').write_bytes(text.encode())
        assert names(train_set(tmp_path, sources=source)) == [NAMES[0], NAMES[2]]


@pytest.mark.parametrize(
    'content, error, words',
    [
        (b'', ValueError, 'no image'),
        (b'\n \r\n', ValueError, 'no image'),
        (b'0001_c1.jpg\n0009_c1.jpg', FileNotFoundError, '0009_c1.jpg .line 2 of .*list.txt'),
        (b'folder 1', FileNotFoundError, 'folder .line 1 of .*is not a file'),
        (b'\xff\xfe\x00', ValueError, 'list.txt is not valid UTF-8'),
        (b'0001_c1.jpg\0', FileNotFoundError, 'line 1 of'),
    ],
)
def test_bad_list_files_are_named(tmp_path, make_images, content, error, words):
    (make_images(tmp_path / 'train', NAMES) / 'folder').mkdir()
    (tmp_path / 'list.txt').write_bytes(content)
    with pytest.raises(error, match=words):
        train_set(tmp_path, sources=dict(train=dict(folder='train', list_file='list.txt')))


@pytest.mark.parametrize(
    'source, error',
    [
        ('train/0001_c1.jpg', FileNotFoundError),
        ('x' * 5000, FileNotFoundError),
        ('nul\0', (FileNotFoundError, ValueError)),
        ('/train/*.jpg', ValueError),
        ('**x', ValueError),
        ([], ValueError),
        (None, ValueError),
        (b'train', ValueError),
        ({}, ValueError),
        (dict(folder=None, list_file='list.txt'), ValueError),
        (dict(folder='train', list_file='train'), FileNotFoundError),
        (['train', 5], ValueError),
    ],
)
def test_bad_sources(tmp_path, make_images, source, error):
    make_images(tmp_path / 'train', NAMES)
    with pytest.raises(error):
        train_set(tmp_path, sources=dict(train=source))


@pytest.mark.parametrize(
    'change, error, words',
    [
        (dict(pattern=r'(?P<pid>['), ValueError, 'is not a regular expression'),
        (dict(pattern=r'(?P<pid>)*'), ValueError, 'does not fit the pattern'),
        (dict(pattern=5), TypeError, 'pattern'),
        (dict(pattern=b'(?P<pid>1)'), TypeError, 'pattern'),
        (dict(sources='train'), TypeError, 'sources is a dict'),
        (dict(pipeline=None), TypeError, 'pipeline'),
        (dict(pipeline='load'), TypeError, 'pipeline'),
        (dict(pipeline=[dict(prob=1)]), TypeError, '`type`'),
        (dict(pipeline=dict(load=dict())), TypeError, '`type`'),
        (dict(max_refetch=2.5), TypeError, 'max_refetch'),
        (dict(unreadable=True), ValueError, 'True'),
        (dict(serialize_data='no'), TypeError, 'serialize_data'),
        (dict(max_ids=1), ValueError, 'only identity to train on'),
        (dict(junk_pids=('0001',)), ValueError, 'only identity to train on'),
    ],
)
def test_bad_arguments(tmp_path, make_images, change, error, words):
    make_images(tmp_path / 'train', NAMES)
    with pytest.raises(error, match=words):
        train_set(tmp_path, **change)


@pytest.mark.parametrize(
    'root, error, words',
    [
        ('file', FileNotFoundError, 'is a file'),
        ('x' * 5000, FileNotFoundError, 'does not exist'),
        ('file/deeper', FileNotFoundError, 'does not exist'),
        (None, TypeError, 'data_root'),
        (5, TypeError, 'data_root'),
        ('nul\0', FileNotFoundError, 'does not exist'),
    ],
)
def test_bad_roots(tmp_path, monkeypatch, root, error, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').write_text('')
    with pytest.raises(error, match=words):
        Market1501(root, 'train')


@pytest.mark.parametrize('function', ['stat', 'scandir'])
def test_a_folder_without_permission_is_named(tmp_path, make_images, monkeypatch, function):
    make_images(tmp_path / 'train', NAMES)
    real = getattr(os, function)

    def refuse(path, *args, **kwargs):
        if str(path).startswith(str(tmp_path)) and (function == 'stat' or 'train' in str(path)):
            raise PermissionError(13, 'Permission denied', str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, function, refuse)
    with pytest.raises(PermissionError, match=f'{tmp_path}.*may not be read .Permission denied'):
        train_set(tmp_path)


def test_gaps_between_pids_are_closed(tmp_path, make_images):
    make_images(tmp_path / 'train', ['0900_c1.jpg', '0002_c1.jpg', '0007_c1.jpg', '0900_c2.jpg'])
    records = list(train_set(tmp_path))
    assert [(r['pid'], r['gt_label']) for r in records] == [(2, 0), (7, 1), (900, 2), (900, 2)]


def test_numbers_beyond_64_bits_stay_strings():
    assert to_labels([str(2**63), '1']) == {str(2**63): str(2**63), '1': '1'}
    assert to_labels([str(2**63 - 1), str(-(2**63))]) == {
        str(2**63 - 1): 2**63 - 1,
        str(-(2**63)): -(2**63),
    }


def test_a_file_named_twice_counts_once(tmp_path, make_images, log):
    make_images(tmp_path / 'train', NAMES)
    twice = ['train', 'train/*_c1.jpg', 'train/../train']
    assert names(train_set(tmp_path, sources=dict(train=twice))) == list(NAMES)
    assert log().count('5 of 8 files are named more than once and count once') == 1


def test_equal_names_in_several_folders_all_count(tmp_path, make_images, log):
    for folder in ('a', 'b'):
        make_images(tmp_path / folder, NAMES)
    dataset = train_set(tmp_path, sources=dict(train=['a', 'b']), same_identities=True)
    assert (len(dataset), dataset.metainfo['num_ids']) == (6, 2)
    assert log().count('3 of 6 files have the name of another, such as') == 1


def test_a_query_that_is_in_the_gallery(tmp_path, make_images, log):
    make_images(tmp_path / 'all', NAMES)
    sources = dict(query='all/*_c1.jpg', gallery='all')
    dataset = ReIDDataset(str(tmp_path), 'test', pattern=PATTERN, sources=sources)
    assert len(dataset) == 5
    assert log().count('2 of 2 queries are in the gallery too: they are left out there') == 1
    with pytest.raises(
        ValueError, match='2 files are query and gallery, .*0001_c1.jpg.*no cameras'
    ):
        ReIDDataset(str(tmp_path), 'test', pattern=r'(?P<pid>\d+)', sources=sources)


def test_training_images_in_the_test_are_told(tmp_path, make_images, log):
    make_images(tmp_path / 'all', NAMES)
    make_images(tmp_path / 'query', NAMES[:1])
    sources = dict(train='all', query='query', gallery=['all/*_c2.jpg', 'all/0002*'])
    ReIDDataset(str(tmp_path), 'test', pattern=PATTERN, sources=sources)
    assert log().count('2 of 3 test images are training images') == 1


@pytest.mark.parametrize('train', ['nowhere/*.jpg', 5, dict(folder='query'), None])
def test_a_test_needs_no_training_set(tmp_path, make_images, train):
    make_images(tmp_path / 'query', NAMES)
    make_images(tmp_path / 'gallery', NAMES)
    sources = dict(train=train, query='query', gallery='gallery')
    assert len(ReIDDataset(str(tmp_path), 'test', pattern=PATTERN, sources=sources)) == 6


def test_the_first_name_that_does_not_fit_is_named(tmp_path, make_images):
    paths = list_images(make_images(tmp_path / 'train', ['a.jpg', 'b.jpg']).parent, 'train')
    with pytest.raises(ValueError, match='a.jpg: the name does not fit'):
        parse_names(paths, r'(?P<pid>\d+)', ())
