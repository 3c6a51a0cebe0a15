"""Every shell command of the docs is one that our programs take."""

import re
from functools import cache

import pytest

from reid_fusedloss.engine.config import load_config
from reid_fusedloss.scope import datasets_dir, find_config

from .commands import check_tool, of_tool, options, options_of_file, parse
from .pages import PAGES, ROOT, blocks, inline
from .shell import OTHERS, simple_commands

COMMAND_LINES = [
    pytest.param(words, id=f'{block.place} {" ".join(words)[:60]}')
    for block in blocks('bash')
    for words in simple_commands(block.text)
]
OWN_FILES = {block.file for block in blocks('python')}  # the reader writes them
FOREIGN_OPTIONS = {'--no-deps', '--dist', '--nproc_per_node', '--help', '--version'}


def is_placeholder(name: str) -> bool:
    """Whether a name stands for one of the reader's: CONFIG, my_config.py, $ID."""
    stem = name.removesuffix('.py')
    return stem.isupper() or stem.startswith(('my_', '$')) or name in OWN_FILES


def check_parsed(args) -> None:
    """Configs, data sets and budgets exist; keys are set as the tool sets them."""
    given = vars(args)
    configs = [given[key] for key in ('config', 'rows') if given.get(key)]
    configs = [name for item in configs for name in (item if isinstance(item, list) else [item])]
    if str(given.get('source', '')).startswith('configs/'):
        configs.append(given['source'])
    configs = [name for name in configs if not is_placeholder(name)]
    for name in configs:
        folders = (ROOT / name, ROOT / 'configs' / name)
        assert any(folder.is_dir() for folder in folders) or find_config(name)
    datasets = given.get('dataset') or []
    datasets = [datasets] if isinstance(datasets, str) else datasets
    datasets = [name for name in datasets if not is_placeholder(name)]
    parts = [part for name in datasets for part in name.split('+') if not is_placeholder(part)]
    for name in [*parts, *filter(None, [given.get('budget')])]:
        folder = datasets_dir() if name in parts else datasets_dir().parent / 'budgets'
        assert (folder / f'{name}.py').is_file(), name
    keys = given.get('cfg_options')
    if isinstance(keys, dict) and 'KEY' not in keys and configs:
        load_config(configs[0], *datasets[:1], options=keys, budget=given.get('budget'))


@pytest.mark.parametrize('words', COMMAND_LINES)
def test_command(words, monkeypatch):
    monkeypatch.chdir(ROOT)
    program, *rest = words
    if program == 'python' and rest[:1] == ['-m']:
        program, *rest = rest[1:]
    if program in ('reid-fusedloss', 'reid_fusedloss'):
        check_parsed(parse(rest[0], rest[1:]))
    elif program == 'python' or program.startswith('tools/'):
        tool, *rest = rest if program == 'python' else words
        args = check_tool(tool, rest, monkeypatch)
        if args is not None and (tool.endswith('.sh') or of_tool(tool)):
            check_parsed(args)
    elif program == 'pytest':
        assert all((ROOT / word).exists() for word in rest if word.startswith('tests/'))
    else:
        assert program in OTHERS, f'{program}: not one of ours; mark the block `bash no-test`?'


@cache
def all_options() -> set[str]:
    """Options of all our programs, and those of others that the docs mention."""
    files = [*ROOT.glob('reid_fusedloss/commands/*.py'), *ROOT.glob('tools/**/*.py')]
    files.append(ROOT / 'reid_fusedloss' / 'trust.py')
    return FOREIGN_OPTIONS.union(*map(options_of_file, files))


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_in_the_text(page):
    """Inline `reid-fusedloss train --amp` and `--amp` alone; a part of a command line is enough."""
    everywhere = all_options()
    for code in inline(page):
        flags = set(re.findall(r'(?:^|\s)(--[a-z][\w-]*)', code))
        name = re.match(r'(?:reid-fusedloss|(tools/[a-z_]+\.py)) ?([a-z]*)', code)
        if name and name[1]:
            known = options(of_tool(name[1])) if of_tool(name[1]) else everywhere
        elif name and name[2]:
            known = options(name[2]) | FOREIGN_OPTIONS
        else:
            known = everywhere
        assert flags <= known, f'{code}: {sorted(flags - known)}'
