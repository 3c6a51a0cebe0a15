"""The layers of the package are those of docs/architecture.md, whose table is read here."""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'reid_fusedloss'
PAGE = (ROOT / 'docs' / 'architecture.md').read_text()
FILES = sorted(path for path in PACKAGE.rglob('*.py') if '.mim' not in path.parts)
FOLDERS = {path.relative_to(PACKAGE).parts[0] for path in FILES if path.parent != PACKAGE}


def names(text: str) -> list[str]:
    return re.findall(r'`([^`]+)`', text)


ROWS = {
    names(cells[0])[0]: cells
    for cells in (
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in PAGE.split('## Rooms')[1].split('\n## ')[0].splitlines()
        if line.startswith('| `')
    )
}
ORDER = list(ROWS)
ROOMS = {
    room: set(ORDER) if cells[3] == 'every room' else set(names(cells[3]))
    for room, cells in ROWS.items()
}
LIBRARIES = {
    room: None if cells[4] == 'any' else set(names(cells[4])) for room, cells in ROWS.items()
}
ASSEMBLY = set(
    names(re.search(r'These put the package together, and may: (.*?)\n\n', PAGE, re.S)[1])
)
FILE_LINES, FUNCTION_LINES, MEDIAN_LINES = (
    int(re.search(pattern, PAGE)[1])
    for pattern in (r'file has at most (\d+)', r'function at most (\d+)', r'Half .* most (\d+)')
)


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Names at the top of this package, and libraries, that a file imports anywhere in it."""
    own, libraries = set(), set()
    parts = path.relative_to(PACKAGE).parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found = [alias.name.split('.') for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            below = [*parts[: -node.level], *(node.module or '').split('.')]
            found = [[PACKAGE.name, *filter(None, below), alias.name] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [[*node.module.split('.'), alias.name] for alias in node.names]
        else:
            continue
        own |= {name[1] for name in found if name[0] == PACKAGE.name and len(name) > 1}
        libraries |= {name[0] for name in found if name[0] != PACKAGE.name}
    return own, libraries - set(sys.stdlib_module_names)


def test_every_room_is_on_the_page():
    assert set(ROWS) == FOLDERS


def test_rooms_import_only_what_stands_above_them():
    for room, allowed in ROOMS.items():
        assert allowed <= set(ORDER), room
        assert room == 'jobs' or all(ORDER.index(name) < ORDER.index(room) for name in allowed), (
            room
        )
    assert {cells[1] for cells in ROWS.values()} == {'core', 'use', 'study'}


def test_imports_and_size():
    for path in FILES:
        room = path.relative_to(PACKAGE).parts[0]
        own, libraries = imports(path)
        if room in FOLDERS:
            assert own & FOLDERS - {room} <= ROOMS[room], path
            assert LIBRARIES[room] is None or libraries <= LIBRARIES[room], path
            assert room != 'functional' or own <= {room}, path
        else:
            assert room in ASSEMBLY or not own & FOLDERS, path
        assert len(path.read_text().splitlines()) <= FILE_LINES, path


def test_median_file_is_small():
    lengths = sorted(len(path.read_text().splitlines()) for path in FILES)
    assert lengths[len(lengths) // 2] <= MEDIAN_LINES


def test_no_function_is_long():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                assert length <= FUNCTION_LINES, f'{path.name}: {node.name} has {length} lines'


def test_names_no_machine():
    """No file of the project names a path of somebody's machine."""
    patterns = ('*.md', '*.cff', '.github/**/*', 'docs/*.md')
    for pattern in (*patterns, 'reid_fusedloss/**/*.py', 'configs/**/*.py', 'tools/*'):
        for path in ROOT.glob(pattern):
            if path.is_file():
                text = path.read_text()
                assert not any(name in text for name in ('/work/', '/home/', '/root/')), path
