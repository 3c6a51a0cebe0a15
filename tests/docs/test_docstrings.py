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


def documented(docstring: str, title: str = 'Args') -> set[str] | None:
    """Names before the colons of a section, several separated by commas; None: there is none."""
    section = re.search(rf'^{title}:\n((?: +.*\n|\n)+)', docstring + '\n', re.MULTILINE)
    if section is None:
        return None
    entries = re.sub(r',\n +', ', ', section[1])  # names over two lines
    found = re.findall(r'^ {4}(\S[^:]*?)(?: \(.*?\))?:', entries, re.MULTILINE)
    return {name.strip().lstrip('*') for entry in found for name in entry.split(',')}


def init_of(node: ast.ClassDef) -> Function | None:
    return next((part for part in node.body if getattr(part, 'name', '') == '__init__'), None)


def docstring_of(node: ast.ClassDef | Function) -> str:
    """Of a class: its own, or that of its `__init__`, whichever has the arguments."""
    init = init_of(node) if isinstance(node, ast.ClassDef) else None
    texts = [ast.get_docstring(one) or '' for one in (node, init) if one is not None]
    return next((text for text in texts if documented(text) is not None), texts[0])


def arguments_of(node: ast.ClassDef | Function) -> set[str]:
    return arguments(init_of(node) if isinstance(node, ast.ClassDef) else node)


def fields(node: ast.ClassDef) -> set[str]:
    """Public fields of a data class."""
    return {
        part.target.id
        for part in node.body
        if isinstance(part, ast.AnnAssign) and 'ClassVar' not in ast.unparse(part.annotation)
        if not part.target.id.startswith('_')
    }


@pytest.fixture(scope='module')
def nodes() -> dict[str, ast.ClassDef | Function]:
    """All classes and functions, by file and line."""
    return {
        f'{path.relative_to(ROOT)}:{node.lineno} {node.name}': node
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.ClassDef, Function))
    }


def test_args_are_those_of_the_signature(nodes):
    for place, node in nodes.items():
        if node.name != '__init__':
            found = documented(docstring_of(node))
            data = isinstance(node, ast.ClassDef) and init_of(node) is None
            expected = fields(node) if data else arguments_of(node)
            assert found is None or found == expected, place


def test_attributes_are_the_fields(nodes):
    for place, node in nodes.items():
        if isinstance(node, ast.ClassDef) and any(
            'dataclass' in ast.unparse(decorator) for decorator in node.decorator_list
        ):
            found = documented(ast.get_docstring(node) or '', 'Attributes')
            assert found is None or found == fields(node), place


def exports(init: Path) -> Iterator[ast.ClassDef | Function]:
    """What a room's `__init__` lists in `__all__` and imports from its files."""
    text = init.read_text()
    listed = re.search(r'^__all__ = (\[.*?\])', text, re.MULTILINE | re.DOTALL)
    listed = set(ast.literal_eval(listed[1])) if listed else set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            path = init.parent / f'{(node.module or "").replace(".", "/")}.py'
            names = {alias.name for alias in node.names} & listed
            parts = ast.parse(path.read_text()).body if path.is_file() else []
            yield from (part for part in parts if getattr(part, 'name', None) in names)


@pytest.mark.parametrize('init', sorted(PACKAGE.glob('*/__init__.py')), ids=lambda p: p.parent.name)
def test_exports_explain_their_arguments(init: Path):
    """Those with several: in `Args`, or by `the function` whose they are."""
    for node in exports(init):
        text = docstring_of(node)
        refers = re.search(r'\b(as|of|see)\b[^.]*?`\w+`', text)
        explained = documented(text) is not None or refers
        assert len(arguments_of(node)) < 2 or explained, node.name
