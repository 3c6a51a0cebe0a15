"""The command: what it imports to say what it can, and that it says what is true."""

import os
import subprocess
import sys

import pytest

from reid_fusedloss import scope
from reid_fusedloss.commands import COMMANDS, explain, export, extract, main, plot, ranking, search
from tests.tiny import REPOSITORY

HEAVY = {'torch', 'torchvision', 'mmcv', 'mmpretrain', 'cv2', 'matplotlib', 'scipy', 'faiss'}


def test_help_imports_nothing_heavy():
    """The arguments of every command, in a process that is the command."""
    program = (
        "import sys; sys.argv[0] = 'reid-fusedloss'\n"
        'from importlib import import_module\n'
        'from reid_fusedloss.commands import COMMANDS, Parser\n'
        'for name in COMMANDS:\n'
        "    import_module(f'reid_fusedloss.commands.{name}').add_arguments(Parser())\n"
        'print(*sys.modules)'
    )
    done = subprocess.run(
        [sys.executable, '-c', program],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
        check=True,
    )
    imported = set(done.stdout.split())
    assert 'reid_fusedloss.commands.search' in imported and not HEAVY & imported


def test_python_m_is_the_command():
    done = subprocess.run(
        [sys.executable, '-m', 'reid_fusedloss', '--help'],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
        check=True,
    )
    assert all(f'\n  {name} ' in done.stdout for name in COMMANDS)


def test_choices_are_those_of_the_code():
    from reid_fusedloss import apis, visualization  # noqa: F401
    from reid_fusedloss.apis.labels import PATTERN
    from reid_fusedloss.explain import METHODS
    from reid_fusedloss.export import EXPORTERS
    from reid_fusedloss.search.kinds import MILVUS_KINDS
    from reid_fusedloss.visualization.embedding import METHODS as PROJECTIONS
    from reid_fusedloss.visualization.ranking_comparison import ORDERS

    assert set(search.KINDS) == set(MILVUS_KINDS) and export.EXPORTERS == EXPORTERS
    assert set(explain.METHODS) == set(METHODS) and set(plot.METHODS) == set(PROJECTIONS)
    assert set(ranking.ORDERS) == set(ORDERS) - {'ids'} and extract.MARKET1501 == PATTERN


@pytest.mark.parametrize(
    'arguments, status, words',
    [
        (['--version'], 0, 'reid-fusedloss 0.1.0'),
        ([], 2, 'usage: '),
        (['trian'], 2, "did you mean 'train'"),
        (['nothing'], 2, 'choose one of demo, train'),
    ],
)
def test_what_is_no_command(arguments, status, words, capsys):
    assert main(arguments) == status
    said = capsys.readouterr()
    assert words in said.out + said.err


def test_configs_are_listed_and_copied_with_what_they_inherit(tmp_path, capsys):
    from mmengine.config import Config

    assert main(['configs', 'table4/1']) == 0
    assert capsys.readouterr().out.split()[:3] == ['paper/table4/1_circle', 'Table', '4,']
    assert main(['configs', '3_circle_triplet', '--copy', str(tmp_path)]) == 0
    copied = Config.fromfile(str(tmp_path / 'paper' / 'table4' / '3_circle_triplet.py'))
    assert (
        copied.to_dict()
        == Config.fromfile(
            str(scope.configs_dir() / 'paper' / 'table4' / '3_circle_triplet.py')
        ).to_dict()
    )
    (tmp_path / 'paper' / 'table4' / '3_circle_triplet.py').write_text('mine')
    assert main(['configs', '3_circle_triplet', '--copy', str(tmp_path)]) == 0
    assert 'kept, since it exists: ' in capsys.readouterr().out
    assert (tmp_path / 'paper' / 'table4' / '3_circle_triplet.py').read_text() == 'mine'
