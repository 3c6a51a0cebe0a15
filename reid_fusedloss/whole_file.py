"""Files that are there whole or not at all."""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows: what a killed process left stays
    fcntl = None


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its name when all is on the disk; an error leaves what was there.

    Until then it is called `.NAME.DIGITS.part`. What killed processes left of the same file is
    removed.

    Args:
        path: of the file; its folder is made.
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
    """Remove what processes that no longer run left of files; what is being written stays.

    Args:
        folder: where to look.
        names: regular expression of the files' names.
    """
    pattern = re.compile(rf'\.(?:{names})\.[0-9a-f]+\.part')
    for path in [path for path in folder.iterdir() if pattern.fullmatch(path.name)]:
        try:
            with path.open('rb') as file:
                if _lock(file):
                    path.unlink()
        except OSError:  # somebody is writing it, or it is gone
            continue


def _create_partial(path: Path) -> tuple[Path, BinaryIO]:
    """A new file beside `path`, locked while it is open: others see that it is being written."""
    while True:
        partial = path.with_name(f'.{path.name}.{uuid.uuid4().hex[:12]}.part')
        file = partial.open('xb')
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(partial)):
                return partial, file
        except OSError:  # another process took it for one that was left, and removed it
            pass
        file.close()


def _lock(file: BinaryIO) -> bool:
    """Lock an open file for as long as it is open.

    Returns:
        False where files cannot be locked.

    Raises:
        BlockingIOError: if another has locked it.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
