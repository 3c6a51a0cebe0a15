"""List or copy the configs of the package."""

import argparse
import ast
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..printable import tell
from ..scope import configs_dir, list_configs

BASE_DIR = '_base_'


def run(args: argparse.Namespace) -> None:
    """Print names with what they are, or copy files."""
    found = choose(args.names)
    if args.copy is not None:
        if not args.names:
            raise ValueError('--copy needs the names of the configs to copy, such as fusedloss_r50')
        copy(found, args.copy)
        return
    width = max(map(len, found))
    for name, path in found.items():
        print(f'{name:{width}}  {first_sentence(path)}')


def choose(words: list[str]) -> dict[str, Path]:
    """Configs by name whose name holds one of the words; all without words.

    Raises:
        FileNotFoundError: if a word is in no name.
    """
    known = list_configs()
    for word in words:
        if not any(word.removesuffix('.py') in name for name in known):
            raise FileNotFoundError(
                f'no config has {word!r} in its name: `reid-fusedloss configs` lists them'
            )
    return {
        name: path
        for name, path in known.items()
        if not words or any(word.removesuffix('.py') in name for word in words)
    }


def first_sentence(path: Path) -> str:
    """What a config's header says first."""
    lines = re.match(r'(#.*\n)*', path.read_text(encoding='utf-8'))[0]
    text = ' '.join(line.strip('# ') for line in lines.splitlines())
    return re.split(r'\.(?= [A-Z]|$)|:(?= )', text, maxsplit=1)[0]


def copy(configs: dict[str, Path], target: Path) -> None:
    """Copy configs, and what they inherit, below a folder with their places kept."""
    if target.exists() and not target.is_dir():
        raise ValueError(f'--copy {target} is a file: name a folder')
    root = configs_dir()
    files = {*root.glob(f'{BASE_DIR}/**/*.py')}
    for path in configs.values():
        files |= set(ancestors(path))
    for path in sorted(files):
        place = target / path.relative_to(root)
        if place.exists():
            tell(f'left as it is: {place}')
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    for path in configs.values():
        tell(f'written: {target / path.relative_to(root)}')
    print(f'and what they inherit ({len(files) - len(configs)} files)')


def ancestors(path: Path) -> Iterator[Path]:
    """A config and the configs that it inherits, but for those of `_base_`."""
    yield path
    for base in bases(path):
        if BASE_DIR not in base.parts:
            yield from ancestors(base)


def bases(path: Path) -> list[Path]:
    """Files that a config names in `_base_`."""
    for node in ast.parse(path.read_text(encoding='utf-8')).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '_base_':
            value = ast.literal_eval(node.value)
            return [
                Path(os.path.normpath(path.parent / base))
                for base in ([value] if isinstance(value, str) else value)
            ]
    return []
