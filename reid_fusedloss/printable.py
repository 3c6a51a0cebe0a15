"""Texts with names of files, which on Linux need not be text, for a terminal, picture or page."""
import os
from collections.abc import Mapping
from typing import Union

NAMED = 5  # images named one by one


def printable(text: Union[str, os.PathLike]) -> str:
    """The text with what UTF-8 cannot hold, the surrogates of undecodable bytes, written out.

    Args:
        text: any, such as the name of a file; the byte 0xff in it becomes the six characters
            `\\udcff`.
    """
    return os.fspath(text).encode(errors='backslashreplace').decode()


def tell_unreadable(unreadable: Mapping[str, str], what: str = '') -> None:
    """Print which images could not be read: the first by name, and how many there are.

    Args:
        unreadable: name -> reason.
        what: they were to be, such as 'gallery'; it begins the lines.
    """
    start = f'{what}: ' if what else ''
    for name, reason in list(unreadable.items())[:NAMED]:
        print(printable(f'{start}unreadable: {name}: {reason}'))
    if len(unreadable) > NAMED:
        print(f'{start}{len(unreadable)} images unreadable, the first {NAMED} are named')
