"""Texts from outside, such as names of files, for a terminal, log, picture, page or spreadsheet.

On Linux a file name may hold any character but a slash, and bytes that are no text. On a terminal
some characters act: they clear it, move to another line, write to the clipboard, turn the order of
the letters. In a spreadsheet a cell may be a formula.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

NAMED = 5  # images named one by one
# control characters, ends of lines and of paragraphs, direction of writing, undecodable bytes
ACTING = '\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff'
_ACTING = re.compile(f'[{ACTING}]')
_ACTING_IN_LINES = re.compile(f'(?![\n\t])[{ACTING}]')
_FORMULA = re.compile('[=+@\t\r\n\uff1d\uff0b\uff20\uff0d-]')  # after OWASP, "CSV injection"
_NUMBER = re.compile(r'[+-]?\d+(\.\d*)?(e[+-]?\d+)?', re.ASCII | re.IGNORECASE)


def printable(text: str | os.PathLike, lines: bool = False) -> str:
    r"""Write out the characters that act on a terminal, and those that UTF-8 cannot hold.

    Args:
        text: any, such as the name of a file; ESC in it becomes the four characters `\x1b`, the
            byte 0xff the six `\udcff`. Letters of all scripts stay.
        lines: the text has lines of its own: leave line ends and tabs.

    Returns:
        The text in one line, or in its own.
    """
    acting = _ACTING_IN_LINES if lines else _ACTING
    return acting.sub(lambda found: ascii(found[0])[1:-1], os.fspath(text))


def spreadsheet_cell(value: Any) -> Any:
    """A value for a CSV file: text that a spreadsheet would compute gets an apostrophe before it.

    That is text which begins with = + - @, a tab or an end of a line, and is no number. A
    spreadsheet shows the text without the apostrophe; another reader of the file removes it.

    Args:
        value: text; all else, such as a number or None, stays.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def tell(line: str | os.PathLike) -> None:
    """Print a line in which names may be."""
    print(printable(line), flush=True)


def tell_unreadable(unreadable: Mapping[str, str], what: str = '') -> None:
    """Print which images could not be read: the first by name, and how many there are.

    Args:
        unreadable: name -> reason.
        what: they were to be, such as 'gallery'; it begins the lines.
    """
    start = f'{what}: ' if what else ''
    for name, reason in list(unreadable.items())[:NAMED]:
        tell(f'{start}unreadable: {name}: {reason}')
    if len(unreadable) > NAMED:
        print(f'{start}{len(unreadable)} images unreadable, the first {NAMED} are named')


@contextmanager
def printable_logs() -> Iterator[None]:
    """Within it, all log messages are printable, whoever writes them; lines stay lines."""
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
