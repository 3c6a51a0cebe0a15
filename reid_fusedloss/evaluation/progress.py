"""Progress of long computations in the log."""

import time

from ..logs import log


class LogProgress:
    """Log share and ETA at most every few seconds; log nothing for quick tasks.

    Args:
        name: what is computed.
        interval: seconds between two lines.
    """

    def __init__(self, name: str, interval: float = 5.0) -> None:
        self.name = name
        self.interval = interval
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` parts are finished."""
        now = time.monotonic()
        if now - self._last < self.interval or not done:
            return
        self._last = now
        eta = (now - self._start) * (total - done) / done
        log(f'{self.name}: {100 * done / total:.0f} %, eta {eta:.0f} s')
