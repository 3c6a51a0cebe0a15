"""Escape untrusted text, such as file names, for a terminal, log, picture, page or spreadsheet.

On Linux a file name may hold any character except a slash, and bytes that are not valid text. Some
characters control a terminal: they clear it, move the cursor, write to the clipboard or reverse the
direction of the text. A spreadsheet may evaluate a cell as a formula.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .whole_file import PathLike

NAMED = 5  # number of unreadable images that are listed by name
# control characters, line and paragraph separators, text direction, undecodable bytes
ACTING = '\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff'
_ACTING = re.compile(f'[{ACTING}]')
_ACTING_IN_LINES = re.compile(f'(?![\n\t])[{ACTING}]')
_FORMULA = re.compile('[=+@\t\r\n\uff1d\uff0b\uff20\uff0d-]')  # after OWASP, "CSV injection"
_NUMBER = re.compile(r'[+-]?\d+(\.\d*)?(e[+-]?\d+)?', re.ASCII | re.IGNORECASE)


def printable(text: PathLike, lines: bool = False) -> str:
    r"""Escape characters that control a terminal, and those that UTF-8 cannot encode.

    Args:
        text: such as a file name; ESC becomes the four characters `\x1b`, the byte 0xff the six
            characters `\udcff`. Letters of all scripts are kept.
        lines: keep line ends and tabs.

    Returns:
        The text on one line, or on its own lines if `lines`.
    """
    acting = _ACTING_IN_LINES if lines else _ACTING
    return acting.sub(lambda found: ascii(found[0])[1:-1], os.fspath(text))


def spreadsheet_cell(value: Any) -> Any:
    """Prefix text that a spreadsheet would evaluate as a formula with an apostrophe.

    This is text that starts with = + - @, a tab or a line end, and is not a number. A spreadsheet
    does not show the apostrophe; other readers of the CSV file have to remove it.

    Args:
        value: a text; other values, such as a number or None, are returned unchanged.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def tell(line: PathLike) -> None:
    """Print a line that may contain untrusted names."""
    print(printable(line), flush=True)


def tell_unreadable(unreadable: Mapping[str, str], what: str = '') -> None:
    """Print the names of the first unreadable images, and how many there are.

    Args:
        unreadable: name -> reason.
        what: role of the images, such as 'gallery'; the lines start with it.
    """
    start = f'{what}: ' if what else ''
    for name, reason in list(unreadable.items())[:NAMED]:
        tell(f'{start}unreadable: {name}: {reason}')
    if len(unreadable) > NAMED:
        print(f'{start}{len(unreadable)} images unreadable, the first {NAMED} are listed')


@contextmanager
def printable_logs() -> Iterator[None]:
    """Make all log messages in this context printable, whoever logs them; keep line ends."""
    make = logging.getLogRecordFactory()

    def make_printable(*arguments: Any, **options: Any) -> logging.LogRecord:
        record = make(*arguments, **options)
        if isinstance(record.msg, str) and not record.args:
            record.msg = printable(record.msg, lines=True)
        elif record.args:
            record.msg, record.args = printable(record.getMessage(), lines=True), None
        return record

    logging.setLogRecordFactory(make_printable)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)


def markdown_table(lines: Sequence[Sequence[str]], aligned: bool = True) -> str:
    """Write a Markdown table.

    Args:
        lines: cells of each line, the first line is the head; '|' in a cell is escaped.
        aligned: pad the cells of a column to the same width.
    """
    cells = [[cell.replace('|', '\\|') for cell in line] for line in lines]
    widths = [max(map(len, column)) if aligned else 1 for column in zip(*cells)]
    text = [
        f'| {" | ".join(cell.ljust(width) for cell, width in zip(line, widths))} |'
        for line in cells
    ]
    text.insert(1, f'|{"|".join("-" * (width + 2) for width in widths)}|')
    return '\n'.join(text)
