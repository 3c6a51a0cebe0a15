"""Read and write the file that names a run's latest checkpoint."""

import os
from pathlib import Path

from .atomic_backend import AtomicLocalBackend

POINTER = 'last_checkpoint'  # MMEngine's name
INTERRUPTED = 'interrupted.pth'
LONGEST = 4096  # bytes of a path on Linux


def write_pointer(work_dir: str | Path, checkpoint: str | Path) -> None:
    """Name the latest checkpoint of a run, atomically."""
    AtomicLocalBackend().put(os.fspath(checkpoint).encode(), Path(work_dir, POINTER))


def read_pointer(work_dir: str | Path) -> str | None:
    """Find the checkpoint that a run names, among this run's own files only.

    It is the file of that name in the run's own folder. Another folder counts if it is the
    `out_dir` that MMEngine's `CheckpointHook` creates for the run: its last part is the name of
    the work_dir, and it is not the folder of another run, which would have its own pointer.

    Args:
        work_dir: folder of the run.

    Returns:
        The path, or the URL where `out_dir` is remote; None if the pointer is missing, empty or
        unreadable, or names no file of this run.
    """
    folder = Path(os.path.abspath(work_dir))
    try:
        with open(folder / POINTER, 'rb') as file:
            text = file.read(LONGEST).decode().strip()
        named = Path(text)
        if not named.suffix or not text.isprintable():
            return None
        if (folder / named.name).exists():
            return str(Path(work_dir) / named.name)
        if named.parent.name != folder.name:
            return None
        if '://' in text:
            return text
        return text if named.exists() and not (named.parent / POINTER).exists() else None
    except (OSError, UnicodeDecodeError):
        return None


def own_path(path: str | Path, *folders: str | Path) -> str | None:
    """Return the path if the file lies directly in one of a run's folders, else None."""
    parent = Path(path).resolve().parent
    return str(path) if any(parent == Path(folder).resolve() for folder in folders) else None
