"""The configs and the Python of docs/own_data.md give the data sets that it says."""

import json

import pytest
from mmengine.registry import DATASETS

from reid_fusedloss.engine.config import load_config
from tests.docs.test_examples import blocks
from tests.tiny import REPOSITORY

CONFIG = str(REPOSITORY / 'configs' / 'mobilenetv2' / 'fused_256x128.py')
TABLE = 'image,who,camera,split\n' + ''.join(
    f'photos/img {number:04d}.jpg,{row}\n'
    for number, row in enumerate(
        ['anna,1,train', 'bert,1,train', 'carl,1,query', 'carl,2,gallery'], start=1
    )
)
NOTES = dict(train=['anna-1', 'bert-1'], query=['carl-1'], gallery=['carl-2'])


@pytest.fixture
def built(tmp_path, make_images, monkeypatch):
    """Build the data sets of a config of the page on a folder: train and test."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def build(name):
        for file, text in blocks('own_data.md').items():
            root = f'data/{name}'
            (tmp_path / file).write_text(text.replace(root, str(tmp_path / root)))
        cfg = load_config(CONFIG, str(tmp_path / f'{name}.py'))
        datasets = [cfg.train_dataloader.dataset, cfg.test_dataloader.dataset]
        return [
            [
                tuple(record[key] for key in ('pid', 'camid', 'is_query'))
                for record in map(dataset.get_data_info, range(len(dataset)))
            ]
            for dataset in map(DATASETS.build, datasets)
        ]

    return build


TRAIN = [('anna', 1, False), ('bert', 1, False)]
TEST = [('carl', 1, True), ('carl', 2, False)]


def test_folders(built, tmp_path, make_images):
    for path in ('train/anna', 'train/bert', 'test/carl'):
        make_images(tmp_path / 'data' / 'zoo' / path, ['0001.jpg', '0002.jpg'])
    train, tested = built('zoo')
    assert train == [(pid, None, False) for pid in ('anna', 'anna', 'bert', 'bert')]
    assert tested == [('carl', None, query) for query in (True, True, False, False)]


def test_table(built, tmp_path, make_images):
    root = tmp_path / 'data' / 'table'
    make_images(root / 'photos', [f'img {number:04d}.jpg' for number in range(1, 5)])
    (root / 'labels.csv').write_text(TABLE)
    page = (REPOSITORY / 'docs' / 'own_data.md').read_text()
    assert TABLE.splitlines()[0] in page and TABLE.splitlines()[1] in page
    assert built('table') == [TRAIN, TEST]


def test_document(built, tmp_path, make_images):
    root = make_images(tmp_path / 'data' / 'document', ['1.jpg', '2.jpg', '3.jpg', '4.jpg'])
    rows = [
        dict(img_path=f'{number}.jpg', pid=pid, camid=camid)
        for number, (pid, camid, _) in enumerate(TRAIN + TEST, start=1)
    ]
    document = dict(train=rows[:2], test=dict(query=rows[2:3], gallery=rows[3:]))
    (root / 'labels.json').write_text(json.dumps(document))
    assert built('document') == [TRAIN, TEST]


def test_function(built, tmp_path, make_images):
    for role, labels in NOTES.items():
        folder = tmp_path / 'data' / 'notes' / role
        make_images(folder, [f'{number}.jpg' for number in range(len(labels))])
        for number, label in enumerate(labels):
            (folder / f'{number}.txt').write_text(label + '\n')
    assert built('notes') == [TRAIN, TEST]


def test_no_shell_loop():
    assert 'for f in' not in (REPOSITORY / 'docs' / 'own_data.md').read_text()
