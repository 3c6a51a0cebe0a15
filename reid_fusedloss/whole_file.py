"""Write files atomically: a file is complete or does not exist."""

import os
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

if sys.platform != 'win32':
    import fcntl

PathLike = str | os.PathLike[str]


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name once all of it is on the disk; an error keeps the old file.

    Until then its name is `.NAME.DIGITS.part`. Partial files that killed processes left of the
    same file are removed.

    Args:
        path: path of the file; its folder is created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_partials(path.parent, re.escape(path.name))
    partial, file = _create_partial(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def remove_partials(folder: Path, names: str) -> None:
    """Remove partial files of processes that no longer run; keep those being written.

    Args:
        folder: where to look.
        names: regular expression for the names of the complete files.
    """
    pattern = re.compile(rf'\.(?:{names})\.[0-9a-f]+\.part')
    for path in [path for path in folder.iterdir() if pattern.fullmatch(path.name)]:
        try:
            with path.open('rb') as file:
                if _lock(file):
                    path.unlink()
        except OSError:  # another process is writing it, or it is gone
            continue


def _create_partial(path: Path) -> tuple[Path, BinaryIO]:
    """Create a file beside `path`, locked while open so that others see it is being written."""
    while True:
        partial = path.with_name(f'.{path.name}.{uuid.uuid4().hex[:12]}.part')
        file = partial.open('xb')
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(partial)):
                return partial, file
        except OSError:  # another process took it for a stale file and removed it
            pass
        file.close()


def _lock(file: BinaryIO) -> bool:
    """Lock an open file for as long as it is open.

    Returns:
        False if the file system does not support locks, and on Windows, where files that a killed
        process left are kept.

    Raises:
        BlockingIOError: if another process has locked it.
    """
    if sys.platform == 'win32':
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
