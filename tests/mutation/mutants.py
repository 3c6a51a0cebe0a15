"""Mutants of a source file: one small change each, swapped into the functions that are loaded."""

import ast
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

# The boundary, then the opposite: the latter stands for the negated condition as well.
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
# No code, or texts for people: annotations, what an error, a warning or the log says, and the names
# that are handed to checks (`check_int('lr', lr)`, `as_labels(tracks, 'tracks')`).
NOT_VISITED = {'annotation', 'returns', 'decorator_list', 'type_comment', 'type_params'}
NAMING = ('check_', '_check_', 'as_', '_as_')
MESSAGES = {'warn', 'print'}  # and the function `log`, not the method


@dataclass(frozen=True)
class Edit:
    """`owner.field` (or its entry `index`) becomes `new`."""

    owner: ast.AST
    field: str
    index: int | None
    new: ast.AST

    def swap(self, node: ast.AST) -> ast.AST:
        """Put `node` in the place of the edit, and return what stood there."""
        place, key = (self.owner.__dict__, self.field)
        if self.index is not None:
            place, key = place[key], self.index  # type: ignore[assignment]
        before = place[key]
        place[key] = node
        return before


class Source:
    """A source file, its mutants, and its functions as they are loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.name = str(self.path.relative_to(Path.cwd()))
        self.text = self.path.read_text().splitlines()
        self.tree = ast.parse(self.path.read_text())
        self.functions: list[FunctionType] = []
        self.caches: list[Any] = []

    @cached_property
    def mutants(self) -> list['Mutant']:
        seen: Counter[str] = Counter()
        found = []
        for function, qualname in _functions(self.tree, ''):
            for edit, first in _edits_of(function):
                before, after = edit.swap(edit.new), edit.new
                edit.swap(before)
                text = f'{self.name} {qualname}: {_words(before)} -> {_words(after)}'
                seen[text] += 1
                key = text if seen[text] == 1 else f'{text} #{seen[text]}'
                lines = range(first, max(getattr(before, 'lineno', first), first) + 1)
                if edit.field in ('defaults', 'kw_defaults'):
                    lines = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
                start = min([function.lineno, *(d.lineno for d in function.decorator_list)])
                place = getattr(before, 'lineno', first)
                found.append(Mutant(self, edit, key, lines, place, (function.name, start)))
        return found

    def codes(self) -> dict[tuple[str, int], CodeType]:
        """Compile the tree as it stands; its code objects by name and first line."""
        code = compile(ast.fix_missing_locations(self.tree), str(self.path), 'exec')
        return {(c.co_name, c.co_firstlineno): c for c in _nested(code)}


@dataclass(frozen=True)
class Mutant:
    """A change of a source file, in a function that has a name and a first line.

    `lines` are those whose tests may notice it.
    """

    source: Source
    edit: Edit
    key: str
    lines: range
    line: int
    function: tuple[str, int]

    @contextmanager
    def edited(self) -> Iterator[None]:
        before = self.edit.swap(self.edit.new)
        try:
            yield
        finally:
            self.edit.swap(before)

    def activate(self) -> None:
        """Give the loaded functions of the file the mutant's code and defaults.

        Functions stay the objects that they are, so that it does not matter who imported them,
        and what decorates them.
        """
        original = self.source.codes()
        with self.edited():
            codes = self.source.codes()
            for function in self.source.functions:
                place = (function.__code__.co_name, function.__code__.co_firstlineno)
                if place in codes and codes[place] != original[place]:
                    function.__code__ = codes[place]
                if self.edit.field in ('defaults', 'kw_defaults') and place == self.function:
                    self._set_default(function)
        for cache in self.source.caches:
            cache.cache_clear()

    def _set_default(self, function: FunctionType) -> None:
        args = self.edit.owner
        assert isinstance(args, ast.arguments) and self.edit.index is not None
        value = ast.literal_eval(self.edit.new)  # type: ignore[arg-type]
        if self.edit.field == 'defaults':
            defaults = list(function.__defaults__ or ())
            defaults[self.edit.index] = value
            function.__defaults__ = tuple(defaults)
        else:
            name = args.kwonlyargs[self.edit.index].arg
            function.__kwdefaults__ = {**function.__kwdefaults__, name: value}


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _words(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        return 'removed'
    text = ' '.join(ast.unparse(node).split())
    return text if len(text) <= 90 else text[:87] + '...'


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[Any, str]]:
    for child in getattr(node, 'body', []):
        if isinstance(child, ast.FunctionDef):
            yield child, prefix + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f'{prefix}{child.name}.')


def _edits_of(function: ast.FunctionDef) -> Iterator[tuple[Edit, int]]:
    """Find the edits of defaults and body, each with the first line of its statement."""
    for field in ('defaults', 'kw_defaults'):
        for index, value in enumerate(getattr(function.args, field)):
            if isinstance(value, ast.Constant):
                for new in _constants(value):
                    yield Edit(function.args, field, index, new), function.lineno
    for index, statement in enumerate(function.body):
        if not _is_docstring(statement):
            yield from _walk(function, 'body', index, statement, statement.lineno)


def _walk(
    owner: ast.AST, field: str, index: int | None, node: ast.AST, first: int
) -> Iterator[tuple[Edit, int]]:
    if isinstance(node, ast.stmt):
        first = node.lineno
    if _is_message(node, owner):
        return
    for new in _changes(node, field):
        yield Edit(owner, field, index, ast.copy_location(new, node)), first
    if isinstance(node, ast.Raise):
        return
    for name, value in ast.iter_fields(node):
        if name in NOT_VISITED:
            continue
        for place, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield from _walk(node, name, place, child, first)


def _changes(node: ast.AST, field: str) -> Iterator[ast.AST]:
    """Yield what may stand in the place of `node`."""
    if isinstance(node, ast.expr) and field in ('test', 'ifs') and not _is_simple_test(node):
        yield ast.UnaryOp(ast.Not(), node)
    if isinstance(node, ast.stmt) and _can_be_removed(node):
        # its names stay known to the compiler: a closure keeps its cells
        yield ast.If(test=ast.Constant(False), body=[node], orelse=[])
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                for new in COMPARISONS[type(operator)]:
                    ops = [*node.ops[:place], new(), *node.ops[place + 1 :]]
                    yield ast.Compare(node.left, ops, node.comparators)
        case ast.BinOp():
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        case ast.AugAssign():
            yield ast.AugAssign(node.target, OPERATORS[type(node.op)](), node.value)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp():
            if not isinstance(node.op, ast.UAdd):
                yield node.operand
        case ast.Constant():
            yield from _constants(node)
        case ast.Call():
            for place, keyword in enumerate(node.keywords):
                if keyword.arg is not None:
                    rest = [*node.keywords[:place], *node.keywords[place + 1 :]]
                    yield ast.Call(node.func, node.args, rest)
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _constants(node: ast.Constant) -> Iterator[ast.Constant]:
    match node.value:
        case bool(value):
            yield ast.Constant(not value)
        case int(value) | float(value):
            yield ast.Constant(value + 1)
        case str(value):
            yield ast.Constant(f'XX{value}')


def _is_simple_test(node: ast.expr) -> bool:
    """Its negation is a mutant already: of its comparison or of its `not`. Or it is constant."""
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _can_be_removed(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Attribute | ast.Subscript) for t in node.targets)
    if isinstance(node, ast.Expr):
        return not _is_docstring(node)
    return isinstance(node, ast.AugAssign | ast.Raise | ast.Delete)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_message(node: ast.AST, owner: ast.AST) -> bool:
    """A text for people, or a call that says one: an error that is built, a warning, a log."""
    if isinstance(node, ast.Call):
        name = _called(node)
        logs = isinstance(node.func, ast.Name) and name == 'log'
        return logs or name in MESSAGES or name.endswith(('Error', 'Warning'))
    if isinstance(owner, ast.Call) and isinstance(node, ast.Constant):
        return isinstance(node.value, str) and _called(owner).startswith(NAMING)
    return isinstance(node, ast.JoinedStr)


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, 'attr', getattr(call.func, 'id', '')))
