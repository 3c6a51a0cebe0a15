"""Lines in the log of the current run."""

import logging

from mmengine.logging import print_log


def log(text: str) -> None:
    """Log a line."""
    print_log(text, logger='current')


def warn(text: str) -> None:
    """Log a warning."""
    print_log(text, logger='current', level=logging.WARNING)
