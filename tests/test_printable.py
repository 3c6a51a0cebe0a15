"""Names that are no text or act on a terminal, and the images that are named."""

import logging
import os
from pathlib import Path

import pytest

from reid_fusedloss.printable import (
    markdown_table,
    printable,
    printable_logs,
    spreadsheet_cell,
    tell_unreadable,
)

BYTES = os.fsdecode(b'caf\xe9.jpg')


@pytest.mark.parametrize(
    'text, wanted',
    [
        ('café 人.jpg', 'café 人.jpg'),
        ('', ''),
        (Path('a/b'), 'a/b'),
        (BYTES, 'caf\\udce9.jpg'),
        (Path('a') / BYTES, 'a/caf\\udce9.jpg'),
        ('\ud800', '\\ud800'),
        ('\x1b]52;c;aGk=\x07', '\\x1b]52;c;aGk=\\x07'),
        ('\x1b[2J\x1b[H', '\\x1b[2J\\x1b[H'),
        ('safe\revil', 'safe\\revil'),
        ('a\nb\tc', 'a\\nb\\tc'),
        ('\x9b2J\x7f', '\\x9b2J\\x7f'),
        ('\u202egpj.exe', '\\u202egpj.exe'),
        ('\u2066a\u2069\u200f', '\\u2066a\\u2069\\u200f'),
        ('a\u2028b', 'a\\u2028b'),
        ('שלום مرحبا 👩\u200d💻', 'שלום مرحبا 👩\u200d💻'),
    ],
)
def test_printable(text, wanted):
    assert printable(text) == wanted


def test_lines_stay_lines():
    assert printable('a\n\tb\r\x1bc\ud800', lines=True) == 'a\n\tb\\r\\x1bc\\ud800'


@pytest.mark.parametrize(
    'value, wanted',
    [
        ('=1+1', "'=1+1"),
        ('+cmd|x', "'+cmd|x"),
        ('-1+1', "'-1+1"),
        ('@SUM(A1)', "'@SUM(A1)"),
        ('\t=1', "'\t=1"),
        ('\r=1', "'\r=1"),
        ('\n=1', "'\n=1"),
        ('＝1', "'＝1"),
        ('-', "'-"),
        ('-1', '-1'),
        ('+1.5', '+1.5'),
        ('-1e-07', '-1e-07'),
        ('-１', "'-１"),
        ("'=1", "'=1"),
        ('a=1', 'a=1'),
        ('', ''),
        (-1, -1),
        (None, None),
        (-0.5, -0.5),
    ],
)
def test_cells_that_a_spreadsheet_would_compute(value, wanted):
    assert spreadsheet_cell(value) == wanted


def test_markdown_table():
    lines = [('stage', 'min'), ('a|b', '10.5 s')]
    assert markdown_table(lines).splitlines() == [
        '| stage | min    |',
        '|-------|--------|',
        '| a\\|b  | 10.5 s |',
    ]
    assert markdown_table(lines, aligned=False).splitlines() == [
        '| stage | min |',
        '|---|---|',
        '| a\\|b | 10.5 s |',
    ]


def test_logs_are_printable_within_a_command(caplog):
    logger = logging.getLogger('of another package')
    with printable_logs():
        logger.warning('no %s\nat all', '\x1b[2J')
        logger.warning('100 % of \x1b[2J')
    logger.warning('\x1b[2J')
    assert caplog.messages == ['no \\x1b[2J\nat all', '100 % of \\x1b[2J', '\x1b[2J']


def test_the_first_are_named_and_all_are_counted(capsys):
    """The captured stream refuses what is no UTF-8, as a terminal does."""
    tell_unreadable({})
    tell_unreadable({BYTES: 'torn'}, 'query')
    assert capsys.readouterr().out == 'query: unreadable: caf\\udce9.jpg: torn\n'
    tell_unreadable({f'{number}.jpg': 'gone' for number in range(7)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [f'unreadable: {number}.jpg: gone' for number in range(5)]
    assert lines[5:] == ['7 images unreadable, the first 5 are listed']
