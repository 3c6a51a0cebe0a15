"""What a process imports, and when: nothing before it is needed."""

import ast
import importlib
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader

import cv2
import numpy as np
import pytest

from reid_fusedloss.after_import import after_import
from tests.tiny import REPOSITORY

PACKAGE = REPOSITORY / 'reid_fusedloss'
NETWORK = 'osnet_x0_25_market1501'
NEVER = {'scipy', 'sklearn', 'pandas', 'timm', 'h5py', 'onnx', 'onnxruntime', 'openvino', 'gradio'}


def run(program: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, '-c', program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
    )
    assert not done.returncode, done.stderr
    return done.stdout


def registered() -> set[str]:
    """REGISTRY:name of each class and function with `@REGISTRY.register_module()`."""
    found = set()
    for path in PACKAGE.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())) if '.mim' not in path.parts else ():
            for mark in getattr(node, 'decorator_list', ()):
                if 'register_module' in ast.unparse(mark):
                    found.add(f'{ast.unparse(mark).split(".")[0]}:{node.name}')
    return found


def test_import_is_light_and_all_components_are_found_by_name():
    """Also the workarounds come with the Runner, whoever imports it."""
    program = """
import sys, reid_fusedloss
light = set(sys.modules)
from mmengine import registry
for entry in sys.argv[1:]:
    kind, name = entry.split(':')
    found = getattr(registry, kind).get(f'reid_fusedloss.{name}')
    assert found is not None and found.__module__.startswith('reid_fusedloss.'), entry
print(*light)
"""
    entries = registered()
    assert {'MODELS:FusedLoss', 'HOOKS:ResumeHook', 'DATASETS:Market1501'} <= entries
    modules = set(run(program, *entries).split())
    assert not {'torch', 'cv2', 'mmcv', 'mmpretrain', 'matplotlib', *NEVER} & modules
    assert not {f'reid_fusedloss.{room}' for room in ('models', 'datasets', 'engine')} & modules


@pytest.mark.slow
@pytest.mark.parametrize('first', ['mmengine.runner', 'mmengine.hub', 'reid_fusedloss.compat'])
def test_mmengine_is_patched_before_anybody_uses_it(first):
    program = f"""
import reid_fusedloss, {first}
from mmengine.runner import CheckpointLoader, find_latest_checkpoint, runner
from mmengine.hub import hub
loader = CheckpointLoader._get_checkpoint_loader('weights.pth')
print(loader.__module__, find_latest_checkpoint.__module__,
      runner.find_latest_checkpoint.__module__, hasattr(hub.get_installed_path, '__wrapped__'))
"""
    assert run(program).split() == ['reid_fusedloss.compat'] * 3 + ['True']


def test_a_command_imports_what_it_needs(tmp_path):
    """`extract`, then `search` in an index that is ready, in one process of the command."""
    for number in range(3):
        picture = np.random.default_rng(number).integers(0, 255, (64, 32, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f'000{number}_c1s1_000000_00.png'), picture)
    query, index = tmp_path / '0001_c1s1_000000_00.png', tmp_path / 'index'
    program = """
import gc, sys
network, folder, query, index = sys.argv[1:]
sys.argv[0] = 'reid-fusedloss'
from reid_fusedloss.commands import main
assert main(['extract', network, folder, '--quiet', '--out', f'{index}_features']) == 0
print(*sys.modules, sep=',')
assert gc.isenabled() and gc.get_freeze_count() > 100_000
from_features = ['--features', f'{index}_features', '--index', index]
common = ['search', network, '--query', query, '--out', f'{index}_out']
for arguments in (from_features, ['--index', index]):
    assert main([*common, *arguments]) == 0
print(*sys.modules, sep=',')
"""
    lines = run(program, NETWORK, tmp_path, query, index).splitlines()
    extract, search = (set(line.split(',')) for line in lines if line.startswith('sys,'))
    assert not {'matplotlib', 'faiss', *NEVER} & extract
    assert 'faiss' in search and not {'matplotlib.pyplot', *NEVER} & search


def test_a_function_runs_after_an_import(tmp_path, monkeypatch):
    (tmp_path / 'watched_module.py').write_text('value = 1\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, 'meta_path', list(sys.meta_path))
    calls = []

    def call():
        calls.append(sys.modules['watched_module'].value)
        if len(calls) == 1:
            raise ImportError('not now')

    after_import('watched_module', call)
    assert not calls
    with pytest.raises(ImportError, match='not now'):
        importlib.import_module('watched_module')
    module = importlib.import_module('watched_module')
    assert calls == [1, 1] and type(module.__spec__.loader) is SourceFileLoader
    importlib.reload(module)
    after_import('watched_module', call)
    assert calls == [1, 1, 1]
    monkeypatch.delitem(sys.modules, 'watched_module')
