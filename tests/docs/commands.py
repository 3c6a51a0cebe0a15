"""Parse the commands of the docs with the parsers of the commands themselves."""

import argparse
import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest

from reid_fusedloss import commands
from reid_fusedloss.commands import COMMANDS, Parser

from .pages import ROOT


def parse(name: str, words: list[str]) -> argparse.Namespace:
    """Arguments of `reid-fusedloss NAME`; what its parser refuses fails the test."""
    assert name in COMMANDS, f'there is no command {name!r}'
    try:
        return commands.parse(name, words)
    except SystemExit:
        raise AssertionError(f'reid-fusedloss {name} {" ".join(words)}: see stderr') from None


def of_tool(tool: str) -> str | None:
    """Command that a tool starts; None: it has a parser of its own."""
    found = re.search(r"\bstart\(\s*'(\w+)'", (ROOT / tool).read_text())
    return found[1] if found else None


def check_tool(tool: str, words: list[str], patch: pytest.MonkeyPatch) -> argparse.Namespace | None:
    """Parse the arguments of tools/NAME.py or tools/NAME.sh."""
    assert (ROOT / tool).is_file(), f'there is no {tool}'
    if tool.endswith('.sh'):
        return check_launcher(Path(tool).name, words)
    name = of_tool(tool)
    if name is not None:
        return parse(name, words)
    if not re.search(r'^def parse_args', (ROOT / tool).read_text(), re.MULTILINE):
        flags = {word.partition('=')[0] for word in words if word.startswith('--')}
        assert flags <= options_of_file(ROOT / tool)
        return None
    patch.setattr(sys, 'argv', [tool, *words])
    patch.syspath_prepend(str((ROOT / tool).parent))
    spec = importlib.util.spec_from_file_location(f'docs_{Path(tool).stem}', ROOT / tool)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.parse_args()


def check_launcher(name: str, words: list[str]) -> argparse.Namespace:
    """Arguments that dist_train.sh, dist_test.sh and slurm_train.sh pass on."""
    if name == 'slurm_train.sh':
        return parse('train', words[2:])
    command, positional = dict([('dist_train.sh', ('train', 1)), ('dist_test.sh', ('test', 2))])[
        name
    ]
    *first, processes = words[: positional + 1]
    return parse(command, [*first, '--processes', processes, *words[positional + 1 :]])


def options(name: str) -> set[str]:
    """All options of a command, those of its parts (`plot cmc`) too."""
    module = importlib.import_module(f'reid_fusedloss.commands.{name}')
    parser = Parser()
    module.add_arguments(parser)
    found, parsers = set(), [parser]
    for one in parsers:
        for action in one._actions:
            found |= set(action.option_strings)
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
    return found


def options_of_file(path: Path) -> set[str]:
    """Option strings that a file holds."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and re.fullmatch(r'--[a-z][\w-]*', str(node.value))
    }
