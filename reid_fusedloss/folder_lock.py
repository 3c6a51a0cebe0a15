"""One writer at a time in a folder: a lock of the operating system, which ends with its process."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = '.lock'


class FolderInUseError(ValueError):
    """Another process, or another thread, is writing to the folder."""


@contextmanager
def folder_lock(folder: str | os.PathLike, hint: str = '', timeout: float = 0) -> Iterator[None]:
    """Be the only one who writes to a folder. A thread that holds it may take it again.

    The file `.lock` stays; that it is there says nothing.

    Args:
        folder: made where it does not exist.
        hint: what else to do than to wait, for the message.
        timeout: seconds to wait for another; 0: it is an error at once.

    Raises:
        FolderInUseError: if another holds it; it names machine and process.
        OSError: if the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(os.path.realpath(folder), LOCK)
    lock = FileLock(path, is_singleton=True)
    holder = _holder(path)  # older versions of filelock empty the file when they try
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        wait = 'wait for its end' + (f', or {hint}' if hint else '')
        raise FolderInUseError(
            f'{folder} is being written by {_holder(path) or holder or "another process"}: {wait}'
        ) from None
    try:
        with suppress(OSError):  # a full disk: the lock holds without a name
            path.write_text(f'process {os.getpid()} on {platform.node()}', encoding='utf-8')
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    try:
        return ' '.join(path.read_text(encoding='utf-8', errors='replace').split())
    except OSError:
        return ''
