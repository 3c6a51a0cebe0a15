"""List or copy the configs of the package."""

import argparse
import itertools
import re
import shutil
from pathlib import Path

from ..printable import tell
from ..scope import BASE_DIR, ancestors, configs_dir, list_configs


def run(args: argparse.Namespace) -> None:
    """Print the names with a description, or copy the files."""
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
    """Return name -> path of the configs with one of the words in their name; without words all.

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
    """Return the first sentence of a config's header."""
    lines = path.read_text(encoding='utf-8').splitlines()
    header = itertools.takewhile(lambda line: line.startswith('#'), lines)
    text = ' '.join(line.strip('# ') for line in header)
    return re.split(r'\.(?= [A-Z]|$)|:(?= )', text, maxsplit=1)[0]


def copy(configs: dict[str, Path], target: Path) -> None:
    """Copy configs, and what they inherit, to a folder; their relative paths are kept."""
    if target.exists() and not target.is_dir():
        raise ValueError(f'--copy {target} is a file: name a folder')
    root = configs_dir()
    files = {*root.glob(f'{BASE_DIR}/**/*.py')}
    for path in configs.values():
        files |= set(ancestors(path))
    for path in sorted(files):
        place = target / path.relative_to(root)
        if place.exists():
            tell(f'kept, since it exists: {place}')
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    for path in configs.values():
        tell(f'written: {target / path.relative_to(root)}')
    print(f'and what they inherit ({len(files) - len(configs)} files)')
