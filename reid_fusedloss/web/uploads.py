"""The folder of uploads, which exists only while the page runs.

gradio stores uploads in the folder of `GRADIO_TEMP_DIR`, one for each process. A killed page cannot
remove its folder; the next page of the same user does. It recognizes an abandoned folder by its
lock, which the system releases when the process ends.
"""

import atexit
import getpass
import os
import shutil
import tempfile
import threading
from pathlib import Path

from filelock import FileLock, Timeout

VARIABLE = 'GRADIO_TEMP_DIR'
PREFIX = 'page-'
_opening = threading.Lock()
_shared: '_Folder | None' = None


class Uploads:
    """The uploads of a page; pages of one process share a folder.

    Attributes:
        folder: their folder, until the last page of the process is closed.

    Raises:
        OSError: if the folder of all pages cannot be created, or belongs to another user.
    """

    def __init__(self) -> None:
        global _shared
        with _opening:
            _shared = self._shared = _shared or _Folder()
            self._shared.pages += 1
        self.folder = self._shared.path
        self._closed = False
        atexit.register(self.close)

    def usage(self) -> tuple[int, int]:
        """Return the total size in bytes and the number of files."""
        sizes = [
            _size(Path(folder, name)) for folder, _, names in os.walk(self.folder) for name in names
        ]
        return sum(sizes), len(sizes)

    def close(self) -> None:
        """Remove the uploads unless another page of the process runs; repeated calls are safe."""
        global _shared
        with _opening:
            if self._closed:
                return
            self._closed = True
            atexit.unregister(self.close)
            self._shared.pages -= 1
            if not self._shared.pages:
                self._shared.remove()
                _shared = None


class _Folder:
    """A locked folder of this process, set as gradio's upload folder."""

    def __init__(self) -> None:
        self._before = os.environ.get(VARIABLE)
        root = _root(Path(self._before or tempfile.gettempdir()))
        with FileLock(root / '.lock', timeout=60):
            _remove_abandoned(root)
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
            self._lock = FileLock(_lock_of(self.path))
            self._lock.acquire(timeout=0)
        self.pages = 0
        os.environ[VARIABLE] = str(self.path)

    def remove(self) -> None:
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before
        shutil.rmtree(self.path, ignore_errors=True)
        _lock_of(self.path).unlink(missing_ok=True)
        self._lock.release()


def _root(parent: Path) -> Path:
    """Create the folder of all pages of this user; refuse one that another user made."""
    user = os.getuid() if hasattr(os, 'getuid') else getpass.getuser()
    root = parent.resolve() / f'reid_fusedloss-uploads-{user}'
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = root.lstat()
    if root.is_symlink() or hasattr(os, 'getuid') and facts.st_uid != os.getuid():
        raise PermissionError(
            f'{root} was made by another user: remove it, or set {VARIABLE} to another folder'
        )
    root.chmod(0o700)
    return root


def _remove_abandoned(root: Path) -> None:
    """Remove the folders of processes that have ended."""
    for path in root.glob(f'{PREFIX}*'):
        if not path.is_dir():
            continue
        try:
            with FileLock(_lock_of(path), timeout=0):
                shutil.rmtree(path, ignore_errors=True)
                _lock_of(path).unlink(missing_ok=True)
        except Timeout:
            continue


def _lock_of(path: Path) -> Path:
    return path.with_name(f'.{path.name}.lock')


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it was just removed
        return 0
