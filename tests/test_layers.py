"""The layers of the package: who may import whom, and how large a file may be."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'reid_fusedloss'
STANDARD = {'torch', 'numpy', 'scipy'}
FORBIDDEN = {
    'models': {'losses', 'datasets', 'evaluation'},
    'losses': {'models', 'datasets'},
    'datasets': {'models', 'losses', 'evaluation', 'functional'},
    'evaluation': {'models', 'losses', 'datasets'},
    'apis': {'experiments'},
    'visualization': {'models', 'losses', 'evaluation', 'engine'},
    'experiments': {'models', 'losses', 'datasets', 'functional'},
}


def imports(path: Path) -> set[str]:
    """Top-level modules, with this package's own as '.<folder>'."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split('.')[0])
        elif isinstance(node, ast.ImportFrom):
            folders = path.relative_to(PACKAGE).parts[: -node.level]
            own = path.relative_to(PACKAGE).parts[0]
            name = (*folders, *(node.module or '').split('.'))[0]
            found.add('' if name == own else f'.{name}')
    return found - {''}


FILES = sorted(PACKAGE.rglob('*.py'))


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_and_size(path):
    import sys

    folder = path.relative_to(PACKAGE).parts[0]
    found = imports(path)
    if folder == 'functional':
        assert found <= STANDARD | set(sys.stdlib_module_names) and '.' not in ''.join(found)
    assert not found & {f'.{name}' for name in FORBIDDEN.get(folder, set())}
    assert len(path.read_text().splitlines()) <= 290


def test_median_file_is_small():
    lengths = sorted(len(path.read_text().splitlines()) for path in FILES)
    assert lengths[len(lengths) // 2] <= 110


def test_no_function_is_long():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                assert length <= 40, f'{path.name}: {node.name} has {length} lines'


def test_names_no_machine():
    """No file of the project names a path of somebody's machine."""
    root = PACKAGE.parent
    for pattern in ('*.md', 'reid_fusedloss/**/*.py', 'configs/**/*.py', 'tools/*', 'docs/*.md'):
        for path in root.glob(pattern):
            if path.is_file():
                text = path.read_text()
                assert not any(name in text for name in ('/work/', '/home/', '/root/')), path
