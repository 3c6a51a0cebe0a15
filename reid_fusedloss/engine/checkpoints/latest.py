"""Find the checkpoint from which a stopped training resumes."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...loading import load_checkpoint_file
from ...logs import warn
from .pointer import INTERRUPTED, POINTER, read_pointer

OPTIMIZERS = ('optimizer', 'optim_wrapper')  # keys of MMEngine's Runner and FlexibleRunner


def latest_checkpoint(work_dir: str) -> str | None:
    """Find the latest intact checkpoint of a run; all tools that resume or test use this.

    It is the file that `last_checkpoint` names. If that file is corrupt by its checksums, the
    previous one is used, with a warning: the file beside it with the most iterations that can be
    resumed. Files with a higher number and `interrupted.pth` are not considered then: they belong
    to an abandoned branch of the training. If no file is named, `interrupted.pth` is that of a run
    stopped before its first checkpoint; without it, all files of the folder are considered.

    Args:
        work_dir: folder of the run.

    Returns:
        The path; None if there is no checkpoint.

    Raises:
        ValueError: if there are checkpoints, but none can be read.
    """
    named = read_pointer(work_dir)
    if named is not None and ('://' in named or Path(named).is_dir()):
        return named  # in a remote store or by DeepSpeed: not readable here
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
            f'({next(iter(damaged.values()))}). Move them elsewhere to start from scratch'
        )
    return found


def _before(named: Path) -> Iterable[Path]:
    """Yield the files beside a checkpoint that, by their names, may be older."""
    number = _number(named)
    for path in named.parent.glob('*.pth'):
        other = _number(path)
        newer = number and other and other[0] == number[0] and other[1] > number[1]
        if path.name not in (named.name, INTERRUPTED) and not newer:
            yield path


def _number(path: Path) -> tuple[str, int] | None:
    """Split 'epoch_12.pth' into ('epoch_', 12); None if the name has no number."""
    match = re.fullmatch(r'(.*?)(\d{1,18})\.pth', path.name)
    return (match[1], int(match[2])) if match else None


def _newest(paths: Iterable[Path], damaged: dict[str, str]) -> str | None:
    """Return the checkpoint with the most iterations; add unreadable files to `damaged`."""
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
    """Load a checkpoint; if that fails, log one line and return None."""
    try:
        return load_checkpoint_file(str(path), 'cpu', mmap=True)
    except (FileNotFoundError, ValueError) as error:
        damaged[str(path)] = str(error)
        warn(f'{error}; looking for an earlier one')
        return None
