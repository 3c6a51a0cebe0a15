import os
import tempfile

import pytest

from reid_fusedloss.engine.work_dir import check_work_dir


def test_it_is_made_and_left_empty(tmp_path):
    check_work_dir(tmp_path / 'new' / 'run')
    (tmp_path / 'new' / 'run' / 'epoch_1.pth').write_text('kept')
    check_work_dir(str(tmp_path / 'new' / 'run'))
    assert os.listdir(tmp_path / 'new' / 'run') == ['epoch_1.pth']


def test_a_kill_leaves_no_file(tmp_path, monkeypatch):
    make, seen = tempfile.TemporaryFile, []

    def watched(*args, **kwargs):
        file = make(*args, **kwargs)
        seen.append(os.listdir(tmp_path))
        return file

    monkeypatch.setattr('tempfile.TemporaryFile', watched)
    check_work_dir(tmp_path)
    assert seen == [[]]  # there is nothing that a process could leave


@pytest.mark.parametrize(
    'name, reason',
    [
        ('file', 'File exists'),
        ('file/run', 'Not a directory'),
        ('x' * 5000, 'File name too long'),
        ('nul\0', 'null'),
    ],
)
def test_no_folder_can_be_made(tmp_path, name, reason):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ValueError, match=f'work_dir .*{reason}.*--work-dir'):
        check_work_dir(tmp_path / name)


@pytest.mark.parametrize(
    'number, reason',
    [(13, 'Permission denied'), (30, 'Read-only file system'), (28, 'No space left on device')],
)
def test_what_the_system_refuses_is_said(tmp_path, monkeypatch, number, reason):
    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr('tempfile.TemporaryFile', refuse)
    with pytest.raises(ValueError, match=f'{tmp_path}.*{reason}'):
        check_work_dir(tmp_path)


@pytest.mark.parametrize('value', [None, 5, ''])
def test_it_is_a_path(value):
    with pytest.raises(TypeError, match='--work-dir'):
        check_work_dir(value)
