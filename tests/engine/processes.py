"""Trainings in processes of their own, as users start them."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.tiny import REPOSITORY, tiny_config

TOOLS = REPOSITORY / 'tools'


def free_port() -> str:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def write_config(folder: Path, **options) -> str:
    """File of a tiny config, its data drawn below `folder`, without pictures."""
    cfg = tiny_config(folder / 'data', folder / 'unused', **options)
    cfg.default_hooks.pop('report')
    cfg.pop('work_dir')
    cfg.model.head.num_classes = None
    path = folder / 'tiny.py'
    cfg.dump(path)
    return str(path)


def start(
    config: str, work_dir: Path, *flags: str, processes: int = 1, **variables: str
) -> subprocess.Popen:
    """A training in a process group of its own; its output goes to `work_dir`.txt."""
    common = [config, '--work-dir', str(work_dir), *flags]
    command = [sys.executable, str(TOOLS / 'train.py'), *common]
    if processes > 1 or 'NNODES' in variables:
        command = [str(TOOLS / 'dist_train.sh'), config, str(processes), *common[1:]]
    environment = {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': str(REPOSITORY),
        'PATH': f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
        'CUDA_VISIBLE_DEVICES': '',
        'PORT': free_port(),
        **variables,
    }
    with open(f'{work_dir}.txt', 'a') as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )


def finish(process: subprocess.Popen, work_dir: Path, code: int = 0, seconds: float = 120) -> str:
    """Wait for the end; what was printed."""
    try:
        ended = process.wait(seconds)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    text = Path(f'{work_dir}.txt').read_text()
    assert ended == code, text[-3000:]
    return text


def stop_when(
    process: subprocess.Popen, work_dir: Path, words: str, number: int, seconds: float = 120
) -> None:
    """Send a signal to a training and all its processes as soon as the words have been printed."""
    end = time.monotonic() + seconds
    log = Path(f'{work_dir}.txt')
    while words not in log.read_text():
        assert process.poll() is None and time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.02)
    for pid in [process.pid, *descendants(process.pid)]:
        os.kill(pid, number)
    process.wait(60)


def descendants(pid: int) -> list[int]:
    """Processes below one; torchrun's have sessions of their own."""
    parents = _parents()
    found = [pid]
    for known in found:
        found += [child for child, parent in parents if parent == known]
    return found[1:]


def _parents() -> list[tuple[int, int]]:
    """Each process with its parent; from /proc where there is one, since `ps` takes its time."""
    found = []
    for path in Path('/proc').glob('[0-9]*/stat'):
        with suppress(OSError):  # it has ended meanwhile
            _, parent, *_ = path.read_text().rpartition(')')[2].split()
            found.append((int(path.parent.name), int(parent)))
    if found:
        return found
    table = subprocess.run(
        ['ps', '-e', '-o', 'pid=,ppid='], capture_output=True, check=True, text=True
    ).stdout
    return [tuple(map(int, line.split())) for line in table.splitlines()]
