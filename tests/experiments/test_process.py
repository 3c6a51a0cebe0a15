"""Commands in processes of their own."""

import os
import signal
import subprocess
import sys
import time

import pytest

from reid_fusedloss.experiments.process import last_line, run_logged
from tests.tiny import REPOSITORY


def test_output_is_appended_and_the_code_returned(tmp_path):
    log = tmp_path / 'new' / 'log.txt'
    for code in (0, 3):
        script = f'import sys; print("to both"); sys.exit({code})'
        assert run_logged([sys.executable, '-c', script], log) == code
    assert log.read_text() == 'to both\n' * 2


def test_python_of_a_script_is_this_one(tmp_path):
    run_logged(['bash', '-c', 'python -c "import sys; print(sys.prefix)"'], tmp_path / 'log.txt')
    assert (tmp_path / 'log.txt').read_text().strip() == sys.prefix


def test_last_line(tmp_path):
    log = tmp_path / 'log.txt'
    assert last_line(log) == ''
    log.write_text('x' * 9000 + '\nValueError: this\n  \n')
    assert last_line(log) == 'ValueError: this'
    assert last_line(log, size=11) == 'r: this'


@pytest.mark.slow
def test_what_a_command_started_ends_with_us(tmp_path):
    """A shell and its child, which does not listen to the shell's end."""
    script = (
        'from pathlib import Path\n'
        'from reid_fusedloss.experiments.process import interrupt_on_signals, run_logged\n'
        'interrupt_on_signals()\n'
        'run_logged(["bash", "-c", "sleep 300 & echo $! > pid.part; mv pid.part pid; wait"], '
        'Path("log"))'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', script],
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
        stderr=subprocess.DEVNULL,
    )
    while not (tmp_path / 'pid').exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) != 0
    pid = (tmp_path / 'pid').read_text().strip()
    state = subprocess.run(['ps', '-o', 'stat=', '-p', pid], capture_output=True, text=True).stdout
    assert state.strip()[:1] in ('', 'Z')
