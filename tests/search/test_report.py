"""What a search tells on a terminal and in files, of names and labels that are no friends."""

import csv
import json

import numpy as np
import pytest

from reid_fusedloss.search import Entry, GalleryIndex
from reid_fusedloss.search.report import as_lists, as_text, write_report

pytest.importorskip('faiss', reason='faiss is not installed')
CLIPBOARD, CLEAR = '\x1b]52;c;cm0gLXJm\x07', '\x1b[2J'


@pytest.fixture
def lists():
    index = GalleryIndex(3)
    index.add(
        np.eye(3, dtype=np.float32),
        [f'=cmd|{CLIPBOARD}', f'{CLEAR}\rb.jpg', '+\u202ec'],
        pids=['@SUM(A1)', '-7', None],
        camids=[CLEAR, '\tc', None],
    )
    queries = [Entry(f'-q{CLEAR}\nforged: no match', '-7')]
    return as_lists(queries, index.search(np.ones((1, 3), np.float32), 3))


def test_nothing_acts_on_the_terminal(lists):
    text = as_text(lists)
    assert all(line.isprintable() for line in text.split('\n')) and len(text.split('\n')) == 4
    assert r'\x1b]52;c;cm0gLXJm\x07' in text and r'\x1b[2J\nforged: no match' in text


def test_nothing_is_computed_in_a_spreadsheet(lists, tmp_path):
    """The JSON file is exact, numbers of the CSV file stay numbers."""
    write_report(lists, {}, tmp_path)
    with (tmp_path / 'search.csv').open(encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert all(cell[:1] not in tuple('=+@\t\r') for row in rows for cell in row.values())
    assert [row['name'][:2] for row in rows] == ["'=", CLEAR[:2], "'+"]
    assert [row['pid'] for row in rows] == ["'@SUM(A1)", '-7', '']
    assert [row['camid'] for row in rows] == [CLEAR, "'\tc", '']
    assert rows[0]['query'].startswith("'-q") and float(rows[0]['distance']) > 0
    exact = json.loads((tmp_path / 'search.json').read_text())
    assert [hit['pid'] for hit in exact['queries'][0]['gallery']] == ['@SUM(A1)', '-7', None]
    assert exact['queries'][0]['gallery'][1]['img_path'] == f'{CLEAR}\rb.jpg'
