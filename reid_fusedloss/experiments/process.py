"""Run a command with its output in a file, and stop it when this process is stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 10.0  # seconds between SIGTERM and SIGKILL


def run_logged(command: Sequence[str], log: Path) -> int:
    """Run a command, append its output to `log`, and return its exit code.

    When this process is interrupted, the command and all processes that it started are stopped.

    Args:
        command: program and arguments; `python` means this interpreter.
        log: file; created with its folder.
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
    """Handle SIGTERM and SIGHUP like Ctrl-C, unless they already have a handler."""
    for name in ('SIGTERM', 'SIGHUP'):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def last_line(log: Path, size: int = 4096) -> str:
    """Read the last non-empty line of a log; '' if there is none."""
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
