"""A command with its output in a file, that does not outlive us."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 10.0  # seconds between asking a process to end and ending it


def run_logged(command: Sequence[str], log: Path) -> int:
    """Run a command and return its exit code; output is appended to `log`.

    When this process is interrupted, the command is stopped with all that it started.

    Args:
        command: program and arguments; a `python` in it is this one.
        log: file, made with its folder.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    path = f'{os.path.dirname(sys.executable)}{os.pathsep}{os.environ.get("PATH", os.defpath)}'
    with log.open('ab') as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, PATH=path),
            start_new_session=True,
        )
        try:
            return process.wait()
        except BaseException:
            _stop(process)
            raise


def interrupt_on_signals() -> None:
    """Let a terminated process, or one whose terminal is closed, end as one stopped by Ctrl-C."""
    for name in ('SIGTERM', 'SIGHUP'):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def last_line(log: Path, size: int = 4096) -> str:
    """The last line of a log that is not empty, '' if there is none."""
    if not log.is_file():
        return ''
    with log.open('rb') as file:
        file.seek(max(0, log.stat().st_size - size))
        lines = file.read().decode('utf-8', 'replace').split('\n')
    return next((line.strip() for line in reversed(lines) if line.strip()), '')


def _stop(process: subprocess.Popen) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return
