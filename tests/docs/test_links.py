"""Relative links of the docs lead somewhere."""

import re
from pathlib import Path

import pytest

from .pages import CHANGELOG, PAGES, ROOT, prose


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r'^#+ (.*)$', prose(page), flags=re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('page', [*PAGES, CHANGELOG], ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    for link in re.findall(r'\]\(([^)\s]+)\)', prose(page)):
        path, _, anchor = link.partition('#')
        if path.startswith(('http://', 'https://')):
            continue
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
