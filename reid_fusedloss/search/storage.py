"""Store a gallery in a folder, with atomic changes from one state to the next.

`manifest.json` names the files of one state, with sizes and checksums. A change is written to new
files beside the old ones; then the manifest is replaced in one step; then the files that it does
not name are deleted. If a writer is interrupted at any point, the manifest still names a complete
state, and the next writer deletes the leftover files.
"""

import json
import os
import re
import uuid
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ..folder_lock import LOCK, FolderInUseError, folder_lock
from ..whole_file import PathLike, remove_partials, whole_file

__all__ = [
    'LOCK',
    'MANIFEST',
    'ROWS',
    'VECTORS',
    'FolderInUseError',
    'hold_index',
    'is_saved',
    'opened_files',
    'read_manifest',
    'tidy',
    'write_state',
]
FORMAT = 'reid_fusedloss.gallery'
VERSION = 1
MANIFEST, ROWS, VECTORS = 'manifest.json', 'rows.jsonl', 'vectors.faiss'
CHUNK = 2**22
_NAMES = '|'.join(map(re.escape, (ROWS, VECTORS, MANIFEST)))
_STATE_FILE = re.compile(rf'[0-9a-f]{{12}}\.(?:{_NAMES})')
_PARTIAL = rf'{re.escape(MANIFEST)}|{_STATE_FILE.pattern}'
Writer = Callable[['CheckedFile'], None]


class CheckedFile:
    """A file that computes the size and checksum of what is written to it.

    Args:
        file: open for writing.

    Attributes:
        size: bytes written so far.
        crc32: their checksum.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.size, self.crc32 = file, 0, 0

    def write(self, data: bytes) -> int:
        """Write data."""
        self.size += len(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        return self._file.write(data)


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
                    files[name] = _write_file(folder / f'{state}.{name}', write)
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


def is_saved(folder: PathLike, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a folder holds the state of a manifest, and the state has these facts."""
    if any(manifest.get(key) != value for key, value in facts.items()):
        return False
    return Path(folder, MANIFEST).exists() and read_manifest(folder)['state'] == manifest['state']


def read_manifest(folder: PathLike) -> dict[str, Any]:
    """Read the manifest of a gallery.

    Raises:
        FileNotFoundError: if the folder has no manifest.
        ValueError: if it is corrupt, or of another version.
    """
    path = Path(folder, MANIFEST)
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f'no gallery in {folder} ({MANIFEST} is missing): check the path, or build one'
        ) from None
    except ValueError as error:
        raise ValueError(f'{path} is corrupt ({error}): build the gallery again') from None
    if not isinstance(manifest, dict) or manifest.get('format') != FORMAT:
        raise ValueError(
            f'{path} is not a manifest of a gallery of this package: give the folder of one'
        )
    if manifest.get('version') != VERSION:
        raise ValueError(
            f'{folder} holds a gallery of version {manifest.get("version")!r}, this '
            f'package reads version {VERSION}: build it again, or use the version of the package '
            'that wrote it'
        )
    if not isinstance(manifest.get('state'), str):
        raise ValueError(f'{path} is corrupt (it names no state): build the gallery again')
    files = manifest.get('files')
    if not isinstance(files, dict) or not all(map(_is_described, files.values())):
        raise ValueError(f'{path} is corrupt (it names no files): build the gallery again')
    return manifest


@contextmanager
def opened_files(folder: PathLike, manifest: Mapping[str, Any]) -> Iterator[dict[str, BinaryIO]]:
    """Open all files of a state at once, so that they can be read even if a writer deletes them.

    Raises:
        FileNotFoundError: if one is missing.
        ValueError: if one differs from what was written.
    """
    files: dict[str, BinaryIO] = {}
    try:
        for name, facts in manifest['files'].items():
            path = Path(folder) / Path(facts['file']).name
            try:
                files[name] = path.open('rb')
            except FileNotFoundError:
                raise FileNotFoundError(
                    f'{path} is missing: the gallery is incomplete, build it again'
                ) from None
        for name, file in files.items():
            facts = manifest['files'][name]
            size = os.fstat(file.fileno()).st_size
            if (size, _checksum(file)) != (facts['size'], facts['crc32']):
                raise ValueError(
                    f'{file.name} is corrupt or truncated (wrong checksum): build the gallery again'
                )
        yield files
    finally:
        for file in files.values():
            file.close()


def _is_described(facts: Any) -> bool:
    return (
        isinstance(facts, dict)
        and isinstance(facts.get('file'), str)
        and {'size', 'crc32'} <= facts.keys()
    )


def _write_file(path: Path, write: Writer) -> dict[str, Any]:
    with whole_file(path) as file:
        checked = CheckedFile(file)
        write(checked)
    return dict(file=path.name, size=checked.size, crc32=checked.crc32)


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


def _checksum(file: BinaryIO) -> int:
    value = 0
    while chunk := file.read(CHUNK):
        value = zlib.crc32(chunk, value)
    file.seek(0)
    return value
