"""Store a gallery in a folder, with atomic changes from one state to the next.

`manifest.json` names the files of one state, with sizes and checksums. A change is written to new
files beside the old ones; then the manifest is replaced in one step; then the files that it does
not name are deleted. If a writer is interrupted at any point, the manifest still names a complete
state, and the next writer deletes the leftover files.
"""

import json
import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..folder_lock import LOCK, FolderInUseError, folder_lock
from ..whole_file import PathLike, remove_partials, whole_file
from .checked_files import CheckedFile, Writer, opened_files, write_file
from .manifest import FORMAT, MANIFEST, VERSION, is_saved, read_manifest

__all__ = [
    'LOCK',
    'MANIFEST',
    'ROWS',
    'VECTORS',
    'CheckedFile',
    'FolderInUseError',
    'hold_index',
    'is_saved',
    'opened_files',
    'read_manifest',
    'tidy',
    'write_state',
]
ROWS, VECTORS = 'rows.jsonl', 'vectors.faiss'
_NAMES = '|'.join(map(re.escape, (ROWS, VECTORS, MANIFEST)))
_STATE_FILE = re.compile(rf'[0-9a-f]{{12}}\.(?:{_NAMES})')
_PARTIAL = rf'{re.escape(MANIFEST)}|{_STATE_FILE.pattern}'


@contextmanager
def hold_index(folder: PathLike, timeout: float = 0) -> Iterator[None]:
    """Lock a gallery for writing: load it, change it and save it in this context.

    Others may load it and search in it meanwhile. The lock is released when its process ends.

    Args:
        folder: folder of the gallery; created if it does not exist.
        timeout: seconds to wait for another writer; 0: fail immediately.

    Raises:
        FolderInUseError: if another process or thread holds it; names its machine and process.
        ValueError: if the folder holds other files.
        OSError: if the folder is not writable.
    """
    folder = Path(folder)
    _check_own(folder)
    with folder_lock(folder, 'search in it without changing it', timeout):
        _sweep(folder)
        yield


def tidy(folder: PathLike) -> None:
    """Delete the files that a killed writer left, unless another process is writing."""
    folder = Path(folder)
    if any(True for _ in _left_over(folder)) or any(folder.glob('.*.part')):
        with suppress(FolderInUseError, OSError), hold_index(folder):
            pass


def write_state(
    folder: PathLike,
    facts: Mapping[str, Any],
    writers: Mapping[str, Writer],
    changed: Collection[str],
    previous: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Write a state of a gallery.

    Args:
        folder: created if it does not exist.
        facts: plain data for the manifest.
        writers: a function that writes each file of the state, `ROWS` and `VECTORS`.
        changed: which of these files differ from the previous state.
        previous: manifest of the state that this one was made from; None: the gallery is new.

    Returns:
        The new manifest.

    Raises:
        ValueError: if the folder holds another state than the previous one, or other files, or
            another process is writing to it.
    """
    folder = Path(folder)
    with hold_index(folder):
        files: dict[str, Any] = {}
        if _check_previous(folder, previous) is not None and previous is not None:
            files = {name: file for name, file in previous['files'].items() if name not in changed}
        state = uuid.uuid4().hex[:12]
        try:
            for name, write in writers.items():
                if name not in files:
                    files[name] = write_file(folder / f'{state}.{name}', write)
            manifest = dict(
                format=FORMAT,
                version=VERSION,
                state=state,
                **facts,
                files={name: files[name] for name in writers},
            )
            with whole_file(folder / MANIFEST) as file:
                file.write(json.dumps(manifest, indent=2).encode('ascii'))
        finally:  # also after an interrupt that came when the manifest was already replaced
            _sweep(folder)
    return manifest


def _check_own(folder: Path) -> None:
    """Refuse a folder of other files; hidden files are ignored."""
    if (folder / MANIFEST).exists() or not folder.is_dir():
        return
    others = sorted(
        path.name
        for path in folder.iterdir()
        if not path.name.startswith('.') and not _STATE_FILE.fullmatch(path.name)
    )
    if others:
        raise ValueError(
            f'{folder} is not the folder of a gallery and holds {others[0]!r}: give a new '
            'or empty folder'
        )


def _check_previous(folder: Path, previous: Mapping[str, Any] | None) -> str | None:
    """Return the state that the folder holds, or None; refuse another state than the previous."""
    present = read_manifest(folder)['state'] if (folder / MANIFEST).exists() else None
    if present is None or previous is not None and present == previous['state']:
        return present
    reason = (
        'already holds a gallery: load it and add to it, or use another folder'
        if previous is None
        else 'holds another state than this gallery was loaded from: load it again'
    )
    raise ValueError(f'{folder} {reason}')


def _left_over(folder: Path) -> Iterator[Path]:
    """Find files of states that the manifest does not name."""
    named = set()
    if (folder / MANIFEST).exists():
        named = {facts['file'] for facts in read_manifest(folder)['files'].values()}
    if folder.is_dir():
        yield from [
            path
            for path in folder.iterdir()
            if _STATE_FILE.fullmatch(path.name) and path.name not in named
        ]


def _sweep(folder: Path) -> None:
    """Delete files that no state needs; a file that cannot be deleted now is deleted next time."""
    for path in _left_over(folder):
        with suppress(OSError):
            path.unlink()
    remove_partials(folder, _PARTIAL)
