"""The Python of the docs compiles, and its imports and names resolve; what is cheap is run."""

import ast
import builtins
import importlib
import re

import pytest
import torch

from reid_fusedloss.scope import find_config

from .pages import ROOT, Block, blocks

BLOCKS = blocks('python')
OWN = {block.file.removesuffix('.py') for block in BLOCKS if block.file}
# third parties that no extra installs
ELSEWHERE = {'boxmot', 'reid'}


def before(block: Block) -> list[Block]:
    """Blocks that the reader has typed already: of the same page, and of the same file."""
    place = BLOCKS.index(block)
    return [
        other for other in BLOCKS[:place] if other.page == block.page and other.file == block.file
    ]


def bound(tree: ast.AST) -> set[str]:
    """Names that code gives a meaning to, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).split('.')[0] for alias in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


@pytest.mark.parametrize('block', BLOCKS, ids=lambda block: block.place)
def test_names(block):
    tree = ast.parse(block.text)
    known = set(dir(builtins)) | block.given | bound(tree)
    for other in before(block):
        known |= bound(ast.parse(other.text)) | other.given
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not used - known, 'define them, or name them in a comment: <!-- given: ... -->'


@pytest.mark.parametrize('block', BLOCKS, ids=lambda block: block.place)
def test_imports(block):
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Import):
            found = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in found:
            if module.split('.')[0] in ELSEWHERE | OWN:
                continue
            if module.split('.')[0] not in ('reid_fusedloss', 'torch'):
                pytest.importorskip(module)
            assert name is None or hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    'block', [block for block in BLOCKS if '_base_' in block.text], ids=lambda block: block.place
)
def test_bases(block):
    for base in re.findall(r"_base_ = '(.*?)'", block.text):
        if '::' in base:
            path = ROOT / 'configs' / base.partition('::')[2]
        else:
            path = ROOT / base
        assert path.is_file() or find_config(base)


def test_metric_of_readme():
    """One query, found at the first place; each image of the gallery another camera's."""
    (block,) = blocks('python', ROOT / 'README.md')
    lines = block.text.split('labels = ')
    given = dict(
        query=torch.eye(3)[:2],
        gallery=torch.eye(3),
        query_pids=[0, 1],
        gallery_pids=[0, 1, 2],
        query_camids=[0, 0],
        gallery_camids=[1, 1, 1],
    )
    assert block.given == set(given)
    exec('from reid_fusedloss.functional import evaluate_ranking\nlabels = ' + lines[1], given)
    scores = eval(lines[1].splitlines()[-1].partition('  #')[0], given)
    assert scores['R1'] == 100 and set(scores) >= {'mAP', 'mINP'}
