"""`Args` of docstrings are the arguments of the signature."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .pages import ROOT

PACKAGE = ROOT / 'reid_fusedloss'
FILES = [
    path
    for path in (*sorted(PACKAGE.rglob('*.py')), *sorted((ROOT / 'tools').rglob('*.py')))
    if '.mim' not in path.parts
]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def arguments(function: Function | None) -> set[str]:
    if function is None:
        return set()
    args = function.args
    names = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    return {name.arg for name in names if name is not None} - {'self', 'cls'}


def documented(docstring: str) -> set[str] | None:
    """Names before the colons of `Args`, several separated by commas; None: there is none."""
    section = re.search(r'^Args:\n((?: +.*\n|\n)+)', docstring + '\n', re.MULTILINE)
    if section is None:
        return None
    entries = re.sub(r',\n +', ', ', section[1])  # names over two lines
    found = re.findall(r'^ {4}(\S[^:]*?)(?: \(.*?\))?:', entries, re.MULTILINE)
    return {name.strip().lstrip('*') for entry in found for name in entry.split(',')}


def documented_parts(tree: ast.Module) -> Iterator[tuple[str, set[str], str]]:
    """Name, arguments and docstring of the functions and classes of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            own = [part for part in node.body if isinstance(part, Function)]
            init = next((part for part in own if part.name == '__init__'), None)
            fields = {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
            text = ast.get_docstring(node) or (init and ast.get_docstring(init)) or ''
            yield node.name, arguments(init) if init else fields, text
        elif isinstance(node, Function) and node.name != '__init__':
            yield node.name, arguments(node), ast.get_docstring(node) or ''


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_args_are_those_of_the_signature(path: Path):
    for name, expected, text in documented_parts(ast.parse(path.read_text())):
        found = documented(text)
        assert found is None or found == expected, name


def test_what_a_room_exports_says_its_arguments():
    missing = []
    for init in PACKAGE.glob('*/__init__.py'):
        exported = re.search(r'^__all__ = (\[.*?\])', init.read_text(), re.MULTILINE | re.DOTALL)
        exported = set(ast.literal_eval(exported[1])) if exported else set()
        for path in init.parent.rglob('*.py'):
            top = {
                node.name: node
                for node in ast.parse(path.read_text()).body
                if hasattr(node, 'name')
            }
            for name, expected, text in documented_parts(ast.Module([*top.values()], [])):
                if name in exported & set(top) and expected and documented(text) is None:
                    missing.append(f'{path.relative_to(PACKAGE)}: {name}')
    assert not missing
