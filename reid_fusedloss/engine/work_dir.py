"""Check and lock the folder of a run: it must be writable, for one training at a time."""

import atexit
import os
import socket
import tempfile
import time
from errno import EACCES, EAGAIN
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process

from ..logs import warn
from ..whole_file import PathLike, remove_partials

try:
    import fcntl
except ImportError:  # Windows has no such locks, so a run is not guarded there
    fcntl = None  # type: ignore[assignment]

LOCK = '.training.lock'
_held: dict[str, tuple[int, int]] = {}  # folder -> process, open file


def check_work_dir(work_dir: PathLike) -> None:
    """Create the folder of a run, test that it can be written, and that no training uses it.

    Args:
        work_dir: the folder.

    Raises:
        TypeError: if it is not a path.
        ValueError: if it cannot be created or written, or a training runs in it; with the reason.
    """
    if not isinstance(work_dir, (str, os.PathLike)) or not os.fspath(work_dir):
        raise TypeError(f'work_dir must be the path of a folder, got {work_dir!r}: set --work-dir')
    try:
        os.makedirs(work_dir, exist_ok=True)
        # the file has no name, so a kill leaves nothing
        with tempfile.TemporaryFile(dir=os.fspath(work_dir)) as file:
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
    """Lock the folder for a training, and remove partial files of killed processes.

    All processes call this; the main process holds the lock. It is a POSIX lock (`lockf`): the
    system releases it however the process ends, also on a shared folder of another machine. Loader
    workers that outlive a killed process do not hold it, as they would with `flock`.

    Raises:
        ValueError: on all processes, if another training runs in the folder.
    """
    holder: list[str | None] = [_lock(work_dir) if is_main_process() else None]
    broadcast_object_list(holder)
    if holder[0] is not None:
        raise ValueError(_refusal(work_dir, holder[0]))
    if is_main_process():
        remove_leftovers(work_dir)


def release_work_dir(work_dir: PathLike) -> None:
    """Release the folder at the end of a training."""
    process, file = _held.pop(os.path.realpath(work_dir), (None, -1))
    if process == os.getpid():
        Path(work_dir, LOCK).unlink(missing_ok=True)
        os.close(file)


def remove_leftovers(folder: PathLike) -> None:
    """Remove partial files of killed processes from a run's folder and its subfolders."""
    inside = [path for path in Path(folder).glob('*') if not path.is_symlink()]
    for place in [Path(folder), *inside]:
        if place.is_dir():
            remove_partials(place, '.+')


def _refusal(work_dir: PathLike, holder: str) -> str:
    return (
        f'a training runs in work_dir {os.fspath(work_dir)!r} ({holder}): wait until it ends, '
        'stop it, or choose another folder with --work-dir'
    )


def _lock(folder: PathLike) -> str | None:
    """Lock a folder for this process; return who holds it instead, or None."""
    known = os.path.realpath(folder)
    if fcntl is None or _held.get(known, (None,))[0] == os.getpid():
        return None
    path = Path(folder, LOCK)
    for _ in range(5):  # a probe may hold it for a moment; a run that ends removes it
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            _warn_unguarded(folder, error)
            return None
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.stat(path), os.fstat(file)):
                os.truncate(file, 0)
                os.write(file, f'process {os.getpid()} on {socket.gethostname()}'.encode())
                _held[known] = os.getpid(), file
                atexit.register(release_work_dir, known)  # for an exit by an error or a signal
                return None
        except OSError as error:
            if error.errno not in (EACCES, EAGAIN):
                os.close(file)
                _warn_unguarded(folder, error)
                return None
        os.close(file)
        time.sleep(0.05)
    return _read_holder(path)


def _warn_unguarded(folder: PathLike, error: OSError) -> None:
    warn(
        f'{folder} is not guarded against a second training: its file system has no locks ({error})'
    )


def _holder(folder: PathLike) -> str | None:
    """Return who trains in a folder; None if no other process does."""
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
