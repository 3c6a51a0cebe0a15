"""Handle Ctrl-C and SIGTERM: as one exception, or after a critical section."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], None]


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt in this context, as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handlers(interrupt, signal.SIGTERM):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM until the end of a step that must complete."""
    pending: list[int] = []
    try:
        with _handlers(lambda number, frame: pending.append(number), *STOPS):
            yield
    finally:
        for number in pending[:1]:
            signal.raise_signal(number)


@contextmanager
def _handlers(handler: Handler, *numbers: int) -> Iterator[None]:
    """Replace signal handlers in this context; only the main thread receives signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)
