"""Files with size and checksum, so that a corrupt or truncated one is noticed."""

import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ..whole_file import PathLike, whole_file

CHUNK = 2**22
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


def write_file(path: Path, write: Writer) -> dict[str, Any]:
    """Write a file, complete or not at all.

    Returns:
        Its name, size and checksum.
    """
    with whole_file(path) as file:
        checked = CheckedFile(file)
        write(checked)
    return dict(file=path.name, size=checked.size, crc32=checked.crc32)


def _checksum(file: BinaryIO) -> int:
    value = 0
    while chunk := file.read(CHUNK):
        value = zlib.crc32(chunk, value)
    file.seek(0)
    return value
