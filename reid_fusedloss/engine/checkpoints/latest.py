"""Which checkpoint a stopped training goes on from."""
import logging
from pathlib import Path
from typing import Optional

from mmengine.logging import print_log

from ...compat import load_checkpoint_file


def latest_checkpoint(work_dir: str) -> Optional[str]:
    """The checkpoint of the most iterations; torn ones are named and passed over.

    Args:
        work_dir: folder of the run.

    Returns:
        Its path; None if there is none.
    """
    found = []
    for path in sorted(Path(work_dir).expanduser().glob('*.pth')):
        try:
            checkpoint = load_checkpoint_file(str(path), 'cpu', mmap=True)
        except ValueError as error:
            print_log(f'{error}; looking for the one before it', logger='current',
                      level=logging.WARNING)
            continue
        if isinstance(checkpoint, dict) and 'optimizer' in checkpoint and 'meta' in checkpoint:
            meta = checkpoint['meta']
            found.append((meta['iter'], meta['epoch'], str(path)))
    return max(found)[2] if found else None
