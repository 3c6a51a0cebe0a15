"""A disk that is full after so many bytes."""

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch


@contextmanager
def full_disk(space):
    """Every file that is opened for writing takes so many bytes in all, then the disk is full."""
    left, opened = [space], Path.open

    def limited(path, mode='r', *args, **kwargs):
        file = opened(path, mode, *args, **kwargs)
        return Limited(file, left) if set(mode) & set('wxa') else file

    with patch.object(Path, 'open', limited):
        yield


class Limited:
    def __init__(self, file, left):
        self._file, self._left = file, left

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def write(self, data):
        fits = (
            bytes(data)[: max(self._left[0], 0)] if isinstance(data, (bytes, memoryview)) else data
        )
        self._left[0] -= len(data)
        self._file.write(fits)
        if self._left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(data)
