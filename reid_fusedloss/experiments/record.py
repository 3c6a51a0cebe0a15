"""The record in a row's folder: its config, where it was trained, and how far."""

import re
from pathlib import Path
from typing import Any

from ..engine.checkpoints import latest_checkpoint
from ..engine.hooks.report_hook import write_json
from ..engine.run_record import RECORD, TEST, load_record, read_record
from ..loading import load_checkpoint_file
from .rows import Row


def write_record(row: Row, trained_in: str, command: str) -> None:
    """Record in a row's folder what is run there.

    Args:
        row: the row.
        trained_in: place of the row that holds the training; another row's if both share it.
        command: the command line.
    """
    write_json(
        row.folder / RECORD,
        dict(seed=row.seed, command=command, trained_in=trained_in, asked=row.asked),
    )


def read_records(base: Path, seed: int) -> dict[str, dict[str, Any]]:
    """Read the records of all rows with this seed, by their place below `base`."""
    paths = sorted(base.glob(f'*/*/seed{seed}/{RECORD}'))
    return {path.parent.relative_to(base).as_posix(): load_record(path) for path in paths}


def training(asked: dict[str, Any]) -> dict[str, Any]:
    """Select the part of a row's settings that a training depends on: all but the test."""
    config = {key: value for key, value in asked['config'].items() if not key.startswith('test_')}
    return dict(asked, config=config)


def find_owner(row: Row, records: dict[str, dict[str, Any]]) -> str:
    """Find the place of the row that holds this row's training: its own if no other does."""
    wanted = training(row.asked)
    owners = [
        place
        for place, record in records.items()
        if record['trained_in'] == place and training(record['asked']) == wanted
    ]
    return owners[0] if owners and row.place not in owners else row.place


def find_twin(row: Row, base: Path, records: dict[str, dict[str, Any]]) -> str | None:
    """Find the place of another row with the same settings that is finished; None without one."""
    alike = (place for place, record in records.items() if record['asked'] == row.asked)
    others = (place for place in alike if place != row.place)
    return next((place for place in others if scores_file(base / place).is_file()), None)


def scores_file(folder: Path) -> Path:
    """Path of a row's final scores: of its last checkpoint, plain and re-ranked."""
    return folder / TEST / 'scores.json'


def is_finished(row: Row) -> bool:
    """Whether a row has its final scores, from the present config."""
    record = read_record(row.folder)
    return record is not None and record['asked'] == row.asked and scores_file(row.folder).is_file()


def last_checkpoint(folder: Path) -> Path | None:
    """Find the checkpoint that every tool resumes from, see `latest_checkpoint`.

    Raises:
        ValueError: if there are checkpoints, but none can be read.
    """
    found = latest_checkpoint(str(folder))
    return None if found is None else Path(found)


def epoch_of(checkpoint: Path | None) -> int:
    """Number of epochs a checkpoint was trained for, from its name or content; 0 without one."""
    match = re.search(r'epoch_(\d+)\.pth$', checkpoint.name) if checkpoint else None
    if match or checkpoint is None or not checkpoint.is_file():
        return int(match[1]) if match else 0
    meta = load_checkpoint_file(str(checkpoint), 'cpu', mmap=True).get('meta', {})
    return meta.get('epoch', 0)


def remove_other_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a finished training but the last; without one, remove nothing."""
    last = last_checkpoint(folder)
    for path in folder.glob('*.pth') if last is not None else ():
        if path != last:
            path.unlink()
