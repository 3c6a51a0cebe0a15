"""Read the record that an ablation leaves in a row's folder: where the row was trained."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

RECORD = 'ablation.json'
TEST = 'test_last'  # subfolder of a row with the test of its last checkpoint


def read_record(folder: Path) -> dict[str, Any] | None:
    """Read the record of a row's folder; None if `reid-fusedloss ablate` has run nothing there.

    Raises:
        ValueError: if the file is corrupt, or points outside the folder of the rows.
    """
    path = folder / RECORD
    return load_record(path) if path.is_file() else None


def load_record(path: Path) -> dict[str, Any]:
    """Load a record and check that `trained_in` is a row's place: files are removed there.

    Raises:
        ValueError: as `read_record`.
    """
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
        place = PurePosixPath(record['trained_in'])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} is corrupt ({type(error).__name__}: {error}): remove it to run the row again'
        ) from error
    if place.is_absolute() or '..' in place.parts or len(place.parts) != 3:
        raise ValueError(
            f'{path}: trained_in must be TABLE/ROW/SEED, got {str(place)!r}: remove '
            'the file to run the row again'
        )
    return record
