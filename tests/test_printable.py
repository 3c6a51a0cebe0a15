"""Names that are no text, and the images that are named."""
import os
from pathlib import Path

import pytest

from reid_fusedloss.printable import printable, tell_unreadable

BYTES = os.fsdecode(b'caf\xe9.jpg')


@pytest.mark.parametrize('text, wanted', [
    ('café 人.jpg', 'café 人.jpg'), ('', ''), (Path('a/b'), 'a/b'), (BYTES, 'caf\\udce9.jpg'),
    (Path('a') / BYTES, 'a/caf\\udce9.jpg'), ('\ud800', '\\ud800')])
def test_printable(text, wanted):
    assert printable(text) == wanted


def test_the_first_are_named_and_all_are_counted(capsys):
    """The captured stream refuses what is no UTF-8, as a terminal does."""
    tell_unreadable({})
    tell_unreadable({BYTES: 'torn'}, 'query')
    assert capsys.readouterr().out == 'query: unreadable: caf\\udce9.jpg: torn\n'
    tell_unreadable({f'{number}.jpg': 'gone' for number in range(7)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [f'unreadable: {number}.jpg: gone' for number in range(5)]
    assert lines[5:] == ['7 images unreadable, the first 5 are named']
