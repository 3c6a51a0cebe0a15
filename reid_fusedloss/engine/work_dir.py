"""The folder of a run: can it be written, and does a training run in it?"""

import atexit
import logging
import os
import socket
import tempfile
import time
from errno import EACCES, EAGAIN
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from ..whole_file import PathLike, remove_partials

try:
    import fcntl
except ImportError:  # Windows has no such locks: there a run is not guarded
    fcntl = None  # type: ignore[assignment]

LOCK = '.training.lock'
_held: dict[str, tuple[int, int]] = {}  # folder -> process, open file


def check_work_dir(work_dir: PathLike) -> None:
    """Make the folder of a run, write and remove a file in it, and see that no training runs there.

    Args:
        work_dir: the folder.

    Raises:
        TypeError: if it is no path.
        ValueError: if it cannot be made or written, with the reason, or a training runs in it.
    """
    if not isinstance(work_dir, (str, os.PathLike)) or not os.fspath(work_dir):
        raise TypeError(f'work_dir is a folder to write, got {work_dir!r}: set --work-dir')
    try:
        os.makedirs(work_dir, exist_ok=True)
        with tempfile.TemporaryFile(dir=work_dir) as file:  # without a name: a kill leaves nothing
            file.write(b'probe')
            file.flush()
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise ValueError(
            f'work_dir {os.fspath(work_dir)!r} cannot be written ({reason}): choose '
            'another folder with --work-dir'
        ) from error
    holder = _holder(work_dir) if is_main_process() else None
    if holder is not None:
        raise ValueError(_refusal(work_dir, holder))


def claim_work_dir(work_dir: PathLike) -> None:
    """Take the folder for a training, and remove what killed processes have left half written.

    The main process holds the lock, all call this. It is a POSIX lock (`lockf`): the system frees
    it when the process ends in any way, also on a shared folder of another machine, and the loader
    workers that a killed process leaves do not hold it, as they would hold one of `flock`.

    Raises:
        ValueError: on all processes, if a training of another process runs in the folder.
    """
    holder: list[str | None] = [_lock(work_dir) if is_main_process() else None]
    broadcast_object_list(holder)
    if holder[0] is not None:
        raise ValueError(_refusal(work_dir, holder[0]))
    if is_main_process():
        remove_leftovers(work_dir)


def release_work_dir(work_dir: PathLike) -> None:
    """Give the folder back at the end of a training."""
    process, file = _held.pop(os.path.realpath(work_dir), (None, -1))
    if process == os.getpid():
        Path(work_dir, LOCK).unlink(missing_ok=True)
        os.close(file)


def remove_leftovers(folder: PathLike) -> None:
    """Remove what killed processes left half written in a folder of a run and those in it."""
    inside = [path for path in Path(folder).glob('*') if not path.is_symlink()]
    for place in [Path(folder), *inside]:
        if place.is_dir():
            remove_partials(place, '.+')


def _refusal(work_dir: PathLike, holder: str) -> str:
    return (
        f'a training runs in work_dir {os.fspath(work_dir)!r} ({holder}): wait for its end or '
        'stop it, or choose another folder with --work-dir'
    )


def _lock(folder: PathLike) -> str | None:
    """Lock a folder for this process; who holds it instead, if somebody does."""
    known = os.path.realpath(folder)
    if fcntl is None or _held.get(known, (None,))[0] == os.getpid():
        return None
    path = Path(folder, LOCK)
    for _ in range(5):  # a probe may hold it for a moment, a run that ends remove it
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            return _unguarded(folder, error)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.stat(path), os.fstat(file)):
                os.truncate(file, 0)
                os.write(file, f'process {os.getpid()} on {socket.gethostname()}'.encode())
                _held[known] = os.getpid(), file
                atexit.register(release_work_dir, known)  # after an error, or a signal
                return None
        except OSError as error:
            if error.errno not in (EACCES, EAGAIN):
                os.close(file)
                return _unguarded(folder, error)
        os.close(file)
        time.sleep(0.05)
    return _read_holder(path)


def _unguarded(folder: PathLike, error: OSError) -> None:
    print_log(
        f'{folder} is not guarded against a second training: its file system gives no lock '
        f'({error})',
        logger='current',
        level=logging.WARNING,
    )


def _holder(folder: PathLike) -> str | None:
    """Who trains in a folder; None if nobody does, or this process."""
    path = Path(folder, LOCK)
    if (
        fcntl is None
        or not path.exists()
        or _held.get(os.path.realpath(folder), (None,))[0] == os.getpid()
    ):
        return None
    try:
        with path.open('rb') as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return _read_holder(path) if error.errno in (EACCES, EAGAIN) else None
    return None


def _read_holder(path: Path) -> str:
    try:
        return path.read_bytes()[:200].decode(errors='replace') or 'another process'
    except OSError:
        return 'another process'
