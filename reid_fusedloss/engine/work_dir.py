"""Can a run be written? Asked before anything long happens."""
import os
import tempfile
from typing import Union


def check_work_dir(work_dir: Union[str, os.PathLike]) -> None:
    """Make the folder of a run, and write and remove a file in it.

    Args:
        work_dir: the folder.

    Raises:
        TypeError: if it is no path.
        ValueError: if it cannot be made or written, with the reason.
    """
    if not isinstance(work_dir, (str, os.PathLike)) or not os.fspath(work_dir):
        raise TypeError(f'work_dir is a folder to write, got {work_dir!r}: set --work-dir')
    try:
        os.makedirs(work_dir, exist_ok=True)
        with tempfile.TemporaryFile(dir=work_dir) as file:  # without a name: a kill leaves nothing
            file.write(b'probe')
            file.flush()
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise ValueError(f'work_dir {os.fspath(work_dir)!r} cannot be written ({reason}): choose '
                         'another folder with --work-dir') from error
