"""Wheel, source distribution and editable installation, used outside of the checkout."""

import json
import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.engine.processes import free_port
from tests.tiny import DATA, REPOSITORY

pytestmark = pytest.mark.slow
BUILD = 'from setuptools import build_meta; build_meta.build_{kind}({folder!r})'
MINE = """
_base_ = 'reid_fusedloss::demo/synthetic_r18.py'
custom_imports = dict(imports=['reid_fusedloss', 'my_parts'])
people = dict({people})
sizes = dict(resize=dict(scale=(24, 48)))
train_dataloader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset=dict(
    pipeline=dict(crop=dict(crop_size=(48, 24)), **sizes), **people))
val_dataloader = test_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(pipeline=sizes, **people))
train_cfg = dict(max_epochs=2, val_interval=2)
model = dict(
    backbone=dict(stem_channels=8, base_channels=8),
    head=dict(type='reid_fusedloss.MyHead', in_channels=64, loss=dict(terms=dict(
        norm=dict(type='reid_fusedloss.NormLoss', reads='bn', weight=0.1)))))
"""
PARTS = """
import torch
from reid_fusedloss.models import BNNeckHead
from reid_fusedloss.registry import MODELS

@MODELS.register_module()
class NormLoss(torch.nn.Module):
    def forward(self, features, labels):
        return (features.norm(dim=1) - 1).square().mean()

@MODELS.register_module()
class MyHead(BNNeckHead):
    pass
"""


def run(*command, cwd, ok=0, **variables):
    """A command without the checkout on its path; what it prints."""
    environment = {
        key: value for key, value in os.environ.items() if key not in ('PYTHONPATH', 'VIRTUAL_ENV')
    }
    environment |= dict(
        OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='', PYTHONWARNINGS='ignore', **variables
    )
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == ok, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """A copy of the checkout's files, so that nothing is built in it."""
    folder = tmp_path_factory.mktemp('source') / 'reid_fusedloss'
    files = subprocess.run(
        ['git', 'ls-files', '-co', '--exclude-standard'],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in files:
        if not name.startswith('tests/') and (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    return folder


def build(kind, source):
    """Wheel or source distribution of a folder."""
    folder = source.parent / kind
    if not folder.is_dir():
        folder.mkdir()
        run(sys.executable, '-c', BUILD.format(kind=kind, folder=str(folder)), cwd=source)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope='module', params=['wheel', 'sdist', 'editable'])
def installed(request, source, tmp_path_factory):
    """An environment that has the package, and beside it what this one has: its `bin`."""
    folder = tmp_path_factory.mktemp('environment')
    venv.create(folder / 'venv', symlinks=True)
    binaries = folder / 'venv' / ('Scripts' if os.name == 'nt' else 'bin')
    packages = run(
        binaries / 'python', '-c', 'import site; print(site.getsitepackages()[0])', cwd=folder
    ).strip()
    # a path file adds the folder, but not the path files in it: no other copy of the package
    Path(packages, 'shared.pth').write_text('\n'.join(site.getsitepackages()))
    what = [build(request.param, source)] if request.param != 'editable' else ['-e', source]
    run(
        sys.executable,
        '-m',
        'pip',
        '--python',
        binaries / 'python',
        'install',
        '-q',
        '--no-deps',
        '--no-build-isolation',
        '--no-index',
        '--force-reinstall',
        *what,
        cwd=folder,
    )
    return request.param, binaries, folder


def test_what_is_in_it(installed, source):
    kind, binaries, folder = installed
    place = Path(
        run(
            binaries / 'python',
            '-c',
            'import reid_fusedloss; print(reid_fusedloss.__file__)',
            cwd=folder,
        )
        .strip()
        .splitlines()[-1]
    ).parent
    assert (place.parent == source) == (kind == 'editable')
    for name in (
        'configs/paper/fusedloss_r50.py',
        'configs/_base_/datasets/market1501.py',
        'tools/train.py',
        'tools/dist_train.sh',
        'model-index.yml',
        'configs/paper/metafile.yml',
    ):
        assert (place / '.mim' / name).read_text() == (REPOSITORY / name).read_text()
    assert os.access(place / '.mim' / 'tools' / 'dist_train.sh', os.X_OK)
    command = binaries / 'reid-fusedloss'
    assert '  train ' in run(command, '--help', cwd=folder)
    listed = run(command, 'configs', 'table4', cwd=folder).splitlines()
    assert [line.split()[0] for line in listed] == [
        f'paper/table4/{row}'
        for row in ('1_circle', '2_circle_center', '3_circle_triplet', '4_circle_triplet_center')
    ]
    run(command, 'configs', '3_circle_triplet', '--copy', 'copied', cwd=folder)
    assert 'Adam' in run(
        binaries / 'python',
        '-c',
        'from mmengine.config import Config; print(Config.fromfile('
        "'copied/paper/table4/3_circle_triplet.py').optim_wrapper)",
        cwd=folder,
    )
    assert 'no config at fusedloss_r5: check the path' in run(
        command, 'train', 'fusedloss_r5', cwd=folder, ok=2
    )


def test_a_newcomers_way(installed):
    """Train a config by name, go on, test, search, export; on pedestrians that it draws."""
    kind, binaries, folder = installed
    command = binaries / 'reid-fusedloss'
    options = [
        '--cfg-options',
        'model.backbone.stem_channels=8',
        'model.backbone.base_channels=8',
        'model.head.in_channels=64',
        'train_dataloader.batch_size=8',
        'train_cfg.max_epochs=2',
        'train_cfg.val_interval=2',
        'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        'val_dataloader.num_workers=0',
        'val_dataloader.persistent_workers=False',
        *[
            f'{role}_dataloader.dataset.{key}={value}'.replace(' ', '')
            for role in ('train', 'val', 'test')
            for key, value in DATA.items()
        ],
    ]
    run(command, 'train', 'synthetic_r18', '--work-dir', 'work', *options, cwd=folder)
    (folder / 'work' / 'epoch_2.pth').unlink()
    (folder / 'work' / 'last_checkpoint').write_text(str(folder / 'work' / 'epoch_1.pth'))
    assert 'resumed epoch: 1' in run(
        command, 'train', 'synthetic_r18', '--work-dir', 'work', '--resume', *options, cwd=folder
    )
    table = run(
        binaries / 'python',
        '-m',
        'reid_fusedloss',
        'test',
        'work/synthetic_r18.py',
        'work/epoch_2.pth',
        cwd=folder,
    )
    scores = json.loads((folder / 'work' / 'test' / 'scores.json').read_text())
    assert f'{scores["reid/mAP"]:.2f}' in table or f'{scores["reid/mAP"]:.1f}' in table
    if kind == 'wheel':
        run(
            command,
            'search',
            'work',
            '--query',
            'data/synthetic/query',
            '--gallery',
            'data/synthetic/bounding_box_test',
            '--out',
            'found',
            cwd=folder,
        )
        assert len(json.loads((folder / 'found' / 'search.json').read_text())['queries']) == 8
        assert 'written: work.onnx' in run(command, 'export', 'work', 'work.onnx', cwd=folder)


def test_a_users_config_with_own_parts_on_two_processes(installed):
    """By scope, with a loss and a head of the user's; from the wheel on two processes."""
    kind, binaries, folder = installed
    people = ', '.join(f'{key}={value}' for key, value in DATA.items())
    (folder / 'mine.py').write_text(MINE.format(people=people))
    (folder / 'my_parts.py').write_text(PARTS)
    several = ['--processes', '2'] if kind == 'wheel' else []
    said = run(
        binaries / 'reid-fusedloss', 'train', 'mine.py', *several, cwd=folder, PORT=free_port()
    )
    assert '0.1 * norm(NormLoss of bn)' in said and 'loss_norm' in said
    assert f'8 in all on {2 if several else 1} process(es)' in said
    assert (folder / 'work_dirs' / 'mine' / 'epoch_2.pth').is_file()


def test_the_wheel_holds_no_file_twice(source):
    with zipfile.ZipFile(build('wheel', source)) as wheel:
        names = wheel.namelist()
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith(('tests', 'configs', 'tools', 'docs'))]
