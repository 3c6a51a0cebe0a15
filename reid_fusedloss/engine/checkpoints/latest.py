"""Which checkpoint a stopped training goes on from."""
import logging
from pathlib import Path
from typing import Any, Optional

from mmengine.logging import print_log

from ...compat import load_checkpoint_file

POINTER = 'last_checkpoint'  # MMEngine's file with the path of the newest one
INTERRUPTED = 'interrupted.pth'


def latest_checkpoint(work_dir: str) -> Optional[str]:
    """The newest checkpoint that can be resumed; torn ones are named and passed over.

    It is the one that MMEngine's `last_checkpoint` names, or `interrupted.pth` if that has more
    iterations, or if nothing is named because the run was stopped before its first checkpoint.
    Where these cannot be read it is the one of the most iterations, in the folder of the run or in
    that which `last_checkpoint` names.

    Args:
        work_dir: folder of the run.

    Returns:
        Its path; None if there is none.

    Raises:
        ValueError: if there are checkpoints, but none can be read.
    """
    folder, pointer = Path(work_dir), Path(work_dir, POINTER)
    named = Path(pointer.read_text().strip()) if pointer.is_file() else folder / INTERRUPTED
    if not named.is_file():
        named = folder / named.name  # the folder was moved, or is seen from another place
    torn: list[str] = []
    first = _newest([named, folder / INTERRUPTED], torn) if named.is_file() else None
    if first is not None and not torn:
        return first
    folders = {folder, named.parent}
    found = _newest(sorted(path for place in folders for path in place.glob('*.pth')), torn)
    if found is None and torn:
        raise ValueError(f'{work_dir} has checkpoints, but none can be read: {torn}. Move them away '
                         'to start anew')
    return found


def _newest(paths: list[Path], torn: list[str]) -> Optional[str]:
    """Of the most iterations; files that cannot be read are added to `torn`, and named once."""
    found = []
    for path in paths:
        checkpoint = _read(path, torn) if path.is_file() else None
        if isinstance(checkpoint, dict) and 'optimizer' in checkpoint and 'meta' in checkpoint:
            meta = checkpoint['meta']
            found.append((meta['iter'], meta['epoch'], str(path)))
    return max(found)[2] if found else None


def _read(path: Path, torn: list[str]) -> Any:
    try:
        return load_checkpoint_file(str(path), 'cpu', mmap=True)
    except ValueError as error:
        if str(path) not in torn:
            torn.append(str(path))
            print_log(f'{error}; looking for the one before it', logger='current',
                      level=logging.WARNING)
        return None
