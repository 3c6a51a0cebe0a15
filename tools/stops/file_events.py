"""Watch the file events of a process in a folder, and kill it at one of them.

An event is a call that changes a file: open for writing, each write, fsync, rename, unlink, mkdir.
There is a point before each event, and one in the middle of each write; the point after an event is
the one before the next.
"""

import builtins
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

UNWATCHED = re.compile(r'\.lock|.*\.log')  # their content does not matter
CALLS = ('replace', 'rename', 'unlink', 'remove', 'mkdir', 'rmdir', 'fsync')


class Events:
    """Counts the points in a folder, and calls `kill` at one of them and at all later ones.

    Args:
        folder: files outside it do not count.
        at: number of the point, from 0; None: none.
        kill: kills the process, or raises.

    Attributes:
        names: of the points reached.
    """

    def __init__(self, folder: Path, at: int | None, kill: Callable[[], None]) -> None:
        self._root = os.path.realpath(folder)
        self._at, self._kill = at, kill
        self.names: list[str] = []

    def is_inside(self, path: Any) -> bool:
        """Whether a path, or an open file, lies in the folder."""
        if isinstance(path, int):
            path = f'/proc/self/fd/{path}'
        path = os.path.realpath(os.fspath(path))
        return path.startswith(self._root) and not UNWATCHED.fullmatch(os.path.basename(path))

    def point(self, name: str, before_kill: Callable[[], None] = lambda: None) -> None:
        """Count a point; at the chosen one, call `before_kill`, then kill."""
        number = len(self.names)
        self.names.append(name)
        if self._at is not None and number >= self._at:
            if number == self._at:
                before_kill()
            self._kill()


class WatchedFile:
    """A file whose writes are events; incomplete lines of text are kept until their end.

    Args:
        file: open for writing.
        events: count the writes.
    """

    def __init__(self, file: Any, events: Events) -> None:
        self._file, self._events = file, events
        self._line = ''

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> 'WatchedFile':
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def close(self) -> None:
        """Write an incomplete line and close the file."""
        if self._line and not self._file.closed:
            self._write(self._line)
        self._file.close()

    def write(self, data: Any) -> int:
        """Write data; killed in the middle, only its first half."""
        if not isinstance(data, str):
            return self._write(data)
        self._line += data
        if self._line.endswith('\n'):
            line, self._line = self._line, ''
            self._write(line)
        return len(data)

    def _write(self, data: Any) -> int:
        self._events.point('write')
        self._events.point('half a write', lambda: self._write_half(data))
        return self._file.write(data)

    def _write_half(self, data: Any) -> None:
        self._file.write(data[: len(data) // 2])
        self._file.flush()


@contextmanager
def file_events(folder: Path, at: int | None, kill: Callable[[], None]) -> Iterator[Events]:
    """Watch the changes that this process makes to the files of a folder; see `Events`."""
    events = Events(folder, at, kill)
    with ExitStack() as stack:
        for name in CALLS:
            stack.enter_context(patch.object(os, name, _watched(getattr(os, name), events)))
        opened = _watched_open(io.open, events)
        for module in (io, builtins):
            stack.enter_context(patch.object(module, 'open', opened))
        yield events


def _watched(call: Callable, events: Events) -> Callable:
    def watched(path: Any, *args: Any, **kwargs: Any) -> Any:
        if events.is_inside(path):
            events.point(call.__name__)
        return call(path, *args, **kwargs)

    return watched


def _watched_open(call: Callable, events: Events) -> Callable:
    def watched(path: Any, mode: str = 'r', *args: Any, **kwargs: Any) -> Any:
        if not set(mode) & set('wxa+') or isinstance(path, int) or not events.is_inside(path):
            return call(path, mode, *args, **kwargs)
        events.point('open')
        return WatchedFile(call(path, mode, *args, **kwargs), events)

    return watched
