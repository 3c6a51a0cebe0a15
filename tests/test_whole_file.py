"""A file that is there whole or not at all, on a full disk and beside killed processes."""

import subprocess
import sys

import pytest

from reid_fusedloss.whole_file import remove_partials, whole_file
from tests.full_disk import full_disk

CONTENT = bytes(range(256)) * 4


@pytest.mark.parametrize('space', [0, 1, 500, 1023])
def test_a_full_disk_leaves_what_was_there(tmp_path, space):
    path = tmp_path / 'file'
    path.write_bytes(b'before')
    with full_disk(space), pytest.raises(OSError, match='No space'), whole_file(path) as file:
        file.write(CONTENT[:400])
        file.write(CONTENT[400:])
    assert [found.name for found in tmp_path.iterdir()] == ['file']
    assert path.read_bytes() == b'before'
    with whole_file(path) as file:
        file.write(CONTENT)
    assert path.read_bytes() == CONTENT


def test_two_that_write_one_file_at_once(tmp_path):
    """Also two threads of one process: the last one to end wins, and neither meets the other's."""
    path = tmp_path / 'file'
    with whole_file(path) as first:
        first.write(b'first')
        with whole_file(path) as second:
            second.write(b'second')
        assert path.read_bytes() == b'second'
        first.write(b' and last')
    assert path.read_bytes() == b'first and last' and len(list(tmp_path.iterdir())) == 1


@pytest.mark.slow
def test_what_a_killed_process_left_goes_with_the_next(tmp_path):
    code = (
        'import os, sys\nfrom pathlib import Path\nfrom reid_fusedloss.whole_file import '
        'whole_file\nwith whole_file(Path(sys.argv[1])) as file:\n    file.write(b"half")\n'
        '    file.flush()\n    os.kill(os.getpid(), 9)'
    )
    path = tmp_path / 'file.json'
    assert subprocess.run([sys.executable, '-c', code, path]).returncode == -9
    assert [found.name[:10] for found in tmp_path.iterdir()] == ['.file.json']
    own = tmp_path / '.file.json.notes.part'
    own.write_text('somebody else’s')
    with whole_file(tmp_path / 'other'):
        remove_partials(tmp_path, 'other')  # of others, and what is being written, stays
        assert len(list(tmp_path.iterdir())) == 3
    with whole_file(path) as file:
        file.write(CONTENT)
    assert {found.name for found in tmp_path.iterdir()} == {'file.json', 'other', own.name}
