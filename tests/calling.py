"""Tools called in this process: to start an interpreter takes longer than most of what they do."""
import importlib.util
import sys
from types import ModuleType

import pytest

from tests.tiny import REPOSITORY


def load_tool(name: str) -> ModuleType:
    """tools/NAME.py as a module."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / 'tools' / f'{name}.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def call(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object) -> None:
    """What `python tools/NAME.py ARGUMENTS` does; its errors are raised."""
    tool = load_tool(name)
    monkeypatch.setattr(sys, 'argv', [f'{name}.py', *map(str, arguments)])
    tool.main()
