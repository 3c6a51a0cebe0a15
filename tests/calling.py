"""Commands called in this process: an interpreter takes longer to start than most of them."""

import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

from reid_fusedloss.commands import parse, start

# names of the tools that differ from those of the commands
COMMANDS = dict(
    extract_features='extract',
    export_onnx='export',
    convert_checkpoint='convert',
    evaluate_features='evaluate',
    visualize_ranking='ranking',
)


def job(name: str):
    """The module that does the work of a tool."""
    return import_module(f'reid_fusedloss.jobs.{COMMANDS.get(name, name)}')


def load_tool(name: str) -> SimpleNamespace:
    """tools/NAME.py with its arguments from `sys.argv`: `main` returns the exit status."""
    command = COMMANDS.get(name, name)
    return SimpleNamespace(
        __name__=name,
        main=lambda: start(command, prog=f'{name}.py'),
        parse_args=lambda: parse(command, sys.argv[1:]),
        job=job(name),
    )


def call(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object) -> None:
    """What `python tools/NAME.py ARGUMENTS` does; its errors are raised."""
    command = COMMANDS.get(name, name)
    job(name).run(parse(command, [str(argument) for argument in arguments]))
