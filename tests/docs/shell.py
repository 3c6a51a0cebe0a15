"""Shell blocks as the simple commands that they hold."""

import re
import shlex
from collections.abc import Iterator

LOOP = re.compile(r'for (\w+) in (.*?); do\b(.*?)\bdone\b', re.DOTALL)
# that the docs call and that are no part of this project
OTHERS = {'zipfile', *'pip python3 git cmp diff export trtexec . cd ruff mypy pre-commit'.split()}


def simple_commands(text: str) -> Iterator[list[str]]:
    """Words of each command: loops written out, variables of the shell and assignments left out."""
    text = LOOP.sub(_written_out, text.replace('\\\n', ' '))
    text = re.sub(r'\$\([^)]*\)', 'VALUE', text)
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars='&|;')
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ';']:
            if set(word) <= set('&|;'):
                while words and re.match(r'[A-Z_0-9]+=', words[0]):
                    words.pop(0)
                if words:
                    yield words
                words = []
            else:
                words.append(word)


def _written_out(match: re.Match) -> str:
    return '\n'.join(match[3].replace(f'${match[1]}', value) for value in match[2].split())
