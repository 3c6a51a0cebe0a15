"""A gallery in a folder: written whole or not at all, never half of one state and half of another.

`manifest.json` names the files of one state, with sizes and checksums. A new state is written to
files of new names beside the old; then the manifest is replaced, in one step; then the old files
are deleted. Whatever interrupts it, the manifest names a whole state.
"""
import json
import os
import re
import uuid
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Optional, Union

from filelock import FileLock, Timeout

PathLike = Union[str, os.PathLike]
FORMAT = 'reid_fusedloss.gallery'
VERSION = 1
MANIFEST, LOCK = 'manifest.json', '.lock'
CHUNK = 2**22
_STATE_FILE = re.compile(r'[0-9a-f]{12}\.[a-z]+\.[a-z]+')
Writer = Callable[[Path], None]


def write_state(folder: PathLike, facts: Mapping[str, Any], writers: Mapping[str, Writer],
                previous: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    """Write a state of a gallery.

    Args:
        folder: made where it does not exist.
        facts: plain data for the manifest.
        writers: for each file of the state, by a name such as 'rows.jsonl', what writes it to a
            path.
        previous: the manifest that this state was made from; None: the gallery is new.

    Returns:
        The new manifest.

    Raises:
        ValueError: if the folder holds a state, and not the previous one, or somebody is writing
            to it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            _check_previous(folder, previous)
            return _write(folder, facts, writers)
    except Timeout:
        raise ValueError(f'another process writes to {folder}: wait, and load it anew') from None


def _write(folder: Path, facts: Mapping[str, Any], writers: Mapping[str, Writer]) -> dict[str, Any]:
    state, files = uuid.uuid4().hex[:12], {}
    try:
        for name, write in writers.items():
            path = folder / f'{state}.{name}'
            write(path)
            files[name] = dict(file=path.name, size=path.stat().st_size, crc32=_checksum(path))
            _flush(path)
        manifest = dict(format=FORMAT, version=VERSION, state=state, **facts, files=files)
        partial = folder / f'{state}.{MANIFEST}'
        partial.write_text(json.dumps(manifest, indent=2), encoding='ascii')
        _flush(partial)
        os.replace(partial, folder / MANIFEST)
    finally:  # an interruption may come just after the manifest was replaced
        _delete_others(folder)
    return manifest


def read_manifest(folder: PathLike) -> dict[str, Any]:
    """The manifest of a gallery.

    Raises:
        FileNotFoundError: if the folder holds none.
        ValueError: if it is damaged, or of another version.
    """
    path = Path(folder, MANIFEST)
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f'no gallery in {folder} ({MANIFEST} is missing): check the path, '
                                'or build one') from None
    except ValueError as error:
        raise ValueError(f'{path} is damaged ({error}): build the gallery anew') from None
    if not isinstance(manifest, dict) or manifest.get('format') != FORMAT:
        raise ValueError(f'{path} is no manifest of a gallery of this package')
    if manifest.get('version') != VERSION:
        raise ValueError(f'{folder} holds a gallery of version {manifest.get("version")!r}, this '
                         f'package reads version {VERSION}: build it anew, or take the package '
                         'that wrote it')
    if not isinstance(manifest.get('state'), str):
        raise ValueError(f'{path} is damaged (it names no state): build the gallery anew')
    return manifest


def checked_file(folder: PathLike, manifest: Mapping[str, Any], name: str) -> Path:
    """Path of a file of the state, after a look at its size and checksum.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is not as it was written.
    """
    try:
        facts = manifest['files'][name]
        file, size, crc32 = facts['file'], facts['size'], facts['crc32']
        path = Path(folder) / Path(file).name
    except (KeyError, TypeError):
        raise ValueError(f'the manifest in {folder} is damaged: it says nothing of '
                         f'{name}') from None
    if not path.is_file():
        raise FileNotFoundError(f'{path} is missing: the gallery is damaged, build it anew')
    if path.stat().st_size != size or _checksum(path) != crc32:
        raise ValueError(f'{path} is not as it was written: the gallery is damaged, build it anew')
    return path


def _present(folder: Path) -> Optional[str]:
    return read_manifest(folder)['state'] if (folder / MANIFEST).exists() else None


def _check_previous(folder: Path, previous: Optional[Mapping[str, Any]]) -> None:
    present = _present(folder)
    if present is None or previous is not None and present == previous['state']:
        return
    reason = ('already holds a gallery: load it and add to it, or take another folder'
              if previous is None else
              'holds another state than this gallery was read from: load it anew')
    raise ValueError(f'{folder} {reason}')


def _delete_others(folder: Path) -> None:
    """Delete the files of all states but the one that the manifest names."""
    present = _present(folder)
    for path in folder.iterdir():
        if _STATE_FILE.fullmatch(path.name) and not path.name.startswith(f'{present}.'):
            path.unlink(missing_ok=True)


def _checksum(path: Path) -> int:
    value = 0
    with path.open('rb') as file:
        while chunk := file.read(CHUNK):
            value = zlib.crc32(chunk, value)
    return value


def _flush(path: Path) -> None:
    """See a file onto the disk: a state is named only when it is there."""
    with path.open('rb+') as file:
        os.fsync(file.fileno())
