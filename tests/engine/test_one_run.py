"""One training at a time writes into a work_dir; a dead one does not stand in the way."""

import os
import signal
import subprocess
import sys

import pytest
from mmengine.runner import Runner

from reid_fusedloss import logs
from reid_fusedloss.engine import work_dir
from reid_fusedloss.engine.work_dir import (
    LOCK,
    check_work_dir,
    claim_work_dir,
    release_work_dir,
    remove_leftovers,
)
from reid_fusedloss.whole_file import whole_file
from tests.tiny import REPOSITORY, tiny_config

HOLD = """
import os, sys, time
from reid_fusedloss.engine.work_dir import claim_work_dir
claim_work_dir(sys.argv[1])
worker = os.fork()
if worker:
    print('held', flush=True)
    print(worker, flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A training of another process, with a worker that outlives it."""
    process = subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-c', HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
    )
    while process.stdout.readline().strip() != 'held':
        pass
    process.worker = int(process.stdout.readline())
    yield process
    process.kill()
    process.wait()
    os.kill(process.worker, signal.SIGKILL)


@pytest.mark.slow
def test_the_second_is_refused_until_the_first_is_dead(tmp_path, holder):
    for act in (check_work_dir, claim_work_dir):
        with pytest.raises(ValueError, match=rf'process {holder.pid} on .*--work-dir'):
            act(tmp_path)
    assert (tmp_path / LOCK).read_text().startswith(f'process {holder.pid} ')
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    os.kill(holder.worker, 0)  # its worker lives and does not hold the lock
    check_work_dir(tmp_path)
    claim_work_dir(tmp_path)
    claim_work_dir(tmp_path)  # this process is the training already, after an error say
    check_work_dir(tmp_path)
    assert (tmp_path / LOCK).read_text().startswith(f'process {os.getpid()} ')
    release_work_dir(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_process_that_is_forked_from_a_training_is_another(tmp_path):
    claim_work_dir(tmp_path)
    child = os.fork()
    if child == 0:
        try:
            claim_work_dir(tmp_path)
        except ValueError:
            os._exit(3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    release_work_dir(tmp_path)


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: said.append(line))
    monkeypatch.setattr(
        work_dir.fcntl, 'lockf', lambda *_: (_ for _ in ()).throw(OSError(37, 'No locks available'))
    )
    claim_work_dir(tmp_path)
    assert len(said) == 1 and 'No locks available' in said[0]
    check_work_dir(tmp_path)


@pytest.mark.slow
def test_what_dead_processes_left_is_removed(tmp_path):
    code = (
        'import os, sys\nfrom contextlib import ExitStack\nfrom pathlib import Path\n'
        'from reid_fusedloss.whole_file import whole_file\nwith ExitStack() as stack:\n'
        '    for name in sys.argv[1:]:\n        stack.enter_context(whole_file(Path(name)))\n'
        '    os.kill(os.getpid(), 9)'
    )
    left = [tmp_path / name for name in ('epoch_1.pth', 'last_checkpoint', 'ranking_lists/a.json')]
    assert subprocess.run([sys.executable, '-c', code, *left]).returncode == -9
    assert len(list(tmp_path.rglob('.*.part'))) == 3
    own = ['.notes.part', f'epoch_1.pth.{os.getpid()}.part']
    for name in own:
        (tmp_path / name).write_text('of the user')
    with whole_file(tmp_path / 'scores.json') as file:  # a test in the same folder writes it
        remove_leftovers(tmp_path)
        file.write(b'{}')
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*own, 'ranking_lists', 'scores.json']
    )
    assert not os.listdir(tmp_path / 'ranking_lists')


@pytest.mark.slow
def test_a_bare_runner_is_refused_and_leaves_the_files_of_the_other(tmp_path, holder):
    for name in ('last_checkpoint', 'interrupted.pth', f'.epoch_1.pth.{holder.pid}.part'):
        (tmp_path / name).write_text('of the other')
    cfg = tiny_config(tmp_path / 'data', tmp_path, train_cfg__max_epochs=1)
    cfg.default_hooks.pop('report')
    with pytest.raises(ValueError, match=f'a training runs in work_dir .*process {holder.pid} on'):
        Runner.from_cfg(cfg).train()
    for name in ('last_checkpoint', 'interrupted.pth', f'.epoch_1.pth.{holder.pid}.part'):
        assert (tmp_path / name).read_text() == 'of the other'
    Runner.from_cfg(cfg).test()  # a test in the same folder is no training
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    Runner.from_cfg(cfg).train()
    assert not [path.name for path in tmp_path.glob('.*')] and (tmp_path / 'epoch_1.pth').exists()
