"""The Markdown pages of the project, taken apart."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = ROOT / 'CHANGELOG.md'
PAGES = [
    ROOT / 'README.md',
    ROOT / 'CONTRIBUTING.md',
    *sorted(ROOT.glob('docs/*.md')),
    *sorted(ROOT.glob('configs/**/*.md')),
    *sorted(ROOT.glob('.github/*.md')),
]
FENCE = re.compile(
    r'^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$', re.MULTILINE | re.DOTALL
)
GIVEN = re.compile(r'<!-- given: (.*?) -->\s*\Z')


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: where it stands.
        line: its number on the page, from 1.
        info: what follows the fence, such as 'bash no-test'.
        text: what is inside.
        given: names that its reader has, from the comment above it.
    """

    page: Path
    line: int
    info: str
    text: str
    given: frozenset[str]

    @property
    def place(self) -> str:
        return f'{self.page.relative_to(ROOT)}:{self.line}'

    @property
    def file(self) -> str | None:
        """The file that its first line names, such as '# my_loss.py: ...'."""
        found = re.match(r'# (\w+\.py)\b', self.text)
        return found[1] if found else None


def blocks(language: str, page: Path | None = None) -> list[Block]:
    """Blocks of a language in the order of the pages, without those marked `no-test`."""
    found = []
    for path in PAGES if page is None else [page]:
        text = path.read_text()
        for match in FENCE.finditer(text):
            words = match['info'].split()
            if words[:1] != [language] or 'no-test' in words:
                continue
            given = GIVEN.search(text[: match.start()])
            found.append(
                Block(
                    path,
                    text.count('\n', 0, match.start()) + 1,
                    match['info'],
                    re.sub(f'^{match["indent"]}', '', match['text'], flags=re.MULTILINE),
                    frozenset(given[1].split(', ')) if given else frozenset(),
                )
            )
    return found


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub('', page.read_text())


def inline(page: Path) -> set[str]:
    """Inline code of a page; a line break inside it is a space."""
    return {' '.join(code.split()) for code in re.findall(r'`([^`]+)`', prose(page))}
