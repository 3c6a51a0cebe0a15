"""Verify the checksums inside a checkpoint file."""

import tarfile
import zipfile
import zlib
from typing import BinaryIO

CHUNK = 2**22


def is_zip(file: BinaryIO) -> bool:
    """Whether a file has the format of PyTorch since 1.6; rewinds the file."""
    start = file.read(4)
    file.seek(0)
    return start == b'PK\x03\x04'


def damaged_member(file: BinaryIO) -> str | None:
    """Verify the checksums of all members of a zip file, which PyTorch does not.

    Args:
        file: opened, at its start; it is rewound.

    Returns:
        Name of the first corrupt member, or None.

    Raises:
        zipfile.BadZipFile, OSError: if the list of members cannot be read.
    """
    with zipfile.ZipFile(file) as archive:
        damaged = next(
            (member.filename for member in archive.infolist() if not _is_whole(archive, member)),
            None,
        )
    file.seek(0)
    return damaged


def holds_a_program(file: BinaryIO) -> str | None:
    """Name the format of a file that can run code even with `weights_only`, before PyTorch 2.6."""
    found = None
    if is_zip(file):
        with zipfile.ZipFile(file) as archive:
            names = [name.rpartition('/')[2] for name in archive.namelist()]
            found = 'TorchScript' if 'constants.pkl' in names else None
    elif tarfile.is_tarfile(file):
        found = 'tar, of PyTorch before 0.2'
    file.seek(0)
    return found


def _is_whole(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    if member.CRC == 0:  # no checksum was written (`torch.serialization.set_crc32_options(False)`)
        return True
    try:
        with archive.open(member) as part:
            while part.read(CHUNK):
                pass
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return False
    return True
