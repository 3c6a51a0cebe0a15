"""Which checkpoint a stopped training goes on from."""

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from ...loading import load_checkpoint_file
from .pointer import INTERRUPTED, POINTER, read_pointer

OPTIMIZERS = ('optimizer', 'optim_wrapper')  # of MMEngine's Runner, of its FlexibleRunner


def latest_checkpoint(work_dir: str) -> str | None:
    """Find the newest whole checkpoint of a run, for every tool that goes on from one or tests it.

    It is the one that `last_checkpoint` names. If that is damaged, which its checksums say, the one
    before it is taken, with a warning: of the files beside it that can be resumed that of the most
    iterations, but none that is numbered higher, and not `interrupted.pth`: such a file belongs to
    a branch of the training that was left. Where nothing is named, `interrupted.pth` is of a run
    that was stopped before its first checkpoint; else all files of the folder count.

    Args:
        work_dir: folder of the run.

    Returns:
        Its path; None if there is none.

    Raises:
        ValueError: if there are checkpoints, but none can be read.
    """
    named = read_pointer(work_dir)
    if named is not None and ('://' in named or Path(named).is_dir()):
        return named  # in a remote store, or of DeepSpeed: not for us to read
    damaged: dict[str, str] = {}
    interrupted = Path(work_dir, INTERRUPTED)
    if named is None and interrupted.is_file() and not Path(work_dir, POINTER).exists():
        named = str(interrupted)
    if named is None:
        found = _newest(Path(work_dir).glob('*.pth'), damaged)
    elif _read(Path(named), damaged) is not None:
        return named
    else:
        found = _newest(_before(Path(named)), damaged)
    if found is None and damaged:
        raise ValueError(
            f'{work_dir} has checkpoints, but none can be read: {list(damaged)} '
            f'({next(iter(damaged.values()))}). Move them away to start from scratch'
        )
    return found


def _before(named: Path) -> Iterable[Path]:
    """Files beside a checkpoint that may be older than it, by their names."""
    number = _number(named)
    for path in named.parent.glob('*.pth'):
        other = _number(path)
        newer = None not in (number, other) and other[0] == number[0] and other[1] > number[1]
        if path.name not in (named.name, INTERRUPTED) and not newer:
            yield path


def _number(path: Path) -> tuple[str, int] | None:
    """Of 'epoch_12.pth' ('epoch_', 12)."""
    match = re.fullmatch(r'(.*?)(\d{1,18})\.pth', path.name)
    return (match[1], int(match[2])) if match else None


def _newest(paths: Iterable[Path], damaged: dict[str, str]) -> str | None:
    """Of the most iterations; files that cannot be read are added to `damaged`."""
    found = []
    for path in sorted(paths):
        checkpoint = _read(path, damaged)
        meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
        if isinstance(meta, dict) and any(key in checkpoint for key in OPTIMIZERS):
            places = meta.get('iter'), meta.get('epoch')
            if all(type(place) is int for place in places):
                found.append((*places, str(path)))
    return max(found)[2] if found else None


def _read(path: Path, damaged: dict[str, str]) -> Any:
    """Load a checkpoint; None and one line in the log if that is impossible."""
    try:
        return load_checkpoint_file(str(path), 'cpu', mmap=True)
    except (FileNotFoundError, ValueError) as error:
        damaged[str(path)] = str(error)
        print_log(
            f'{error}; looking for the one before it', logger='current', level=logging.WARNING
        )
        return None
