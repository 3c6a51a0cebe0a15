"""A progress bar with the remaining time, on stderr."""

import sys
import time

from mmengine.utils import ProgressBar


class Progress:
    """MMEngine's bar, drawn at most twice a second; every 30 s if stderr is not a terminal.

    Args:
        total: number of images; None: unknown, they are counted.
        show: False: nothing is written.
    """

    def __init__(self, total: int | None, show: bool = True) -> None:
        self._interval = 0.5 if sys.stderr.isatty() else 30.0
        self._total, self._pending, self._done = total, 0, 0
        self._last = time.monotonic()
        self._bar = ProgressBar(total or 0, file=sys.stderr) if show and total != 0 else None

    def add(self, number: int) -> None:
        """Count finished images."""
        self._pending += number
        self._done += number
        if time.monotonic() - self._last >= self._interval or self._done == self._total:
            self._draw()

    def close(self) -> None:
        """Draw the final state, and end the line."""
        self._draw()
        if self._bar is not None:
            self._bar.file.write('\n')

    def _draw(self) -> None:
        if self._bar is not None and self._pending:
            if not self._bar.task_num:
                self._bar.file.write('\r')
            self._bar.update(self._pending)
        self._pending, self._last = 0, time.monotonic()
