"""Lock a folder for one writer by an OS lock, which is released when its process ends."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .whole_file import PathLike

LOCK = '.lock'


class FolderInUseError(ValueError):
    """Another process, or another thread, is writing to the folder."""


@contextmanager
def folder_lock(folder: PathLike, hint: str = '', timeout: float = 0) -> Iterator[None]:
    """Lock a folder for writing. A thread that holds the lock may take it again.

    The file `.lock` stays afterwards; its existence does not mean that the folder is locked.

    Args:
        folder: created if it does not exist.
        hint: an alternative to waiting, for the error message.
        timeout: seconds to wait for another writer; 0: fail immediately.

    Raises:
        FolderInUseError: if another writer holds the lock; names its machine and process.
        OSError: if the folder is not writable.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(os.path.realpath(folder), LOCK)
    lock = FileLock(path, is_singleton=True)
    holder = _holder(path)  # read first: older versions of filelock truncate the file
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        wait = 'wait for its end' + (f', or {hint}' if hint else '')
        raise FolderInUseError(
            f'{folder} is being written by {_holder(path) or holder or "another process"}: {wait}'
        ) from None
    try:
        with suppress(OSError):  # on a full disk the lock works without the name
            path.write_text(f'process {os.getpid()} on {platform.node()}', encoding='utf-8')
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    try:
        return ' '.join(path.read_text(encoding='utf-8', errors='replace').split())
    except OSError:
        return ''
