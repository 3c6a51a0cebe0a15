"""Our configs, unchanged, under a bare Runner and under mmpretrain's own tools."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import mmpretrain
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences
from reid_fusedloss.scope import MIM, PACKAGE
from tests.calling import call
from tests.engine.processes import finish, free_port, start, write_config
from tests.tiny import DATA, REPOSITORY

THEIR_TOOLS = Path(mmpretrain.__file__).parent / '.mim' / 'tools'
LAST = 'epoch_2.pth'
needs_their_tools = pytest.mark.skipif(
    not THEIR_TOOLS.is_dir(), reason='this mmpretrain was installed without its tools'
)


def run_theirs(monkeypatch, name, *arguments):
    """`python mmpretrain/.mim/tools/NAME.py`, with our package imported before."""
    script = str(THEIR_TOOLS / f'{name}.py')
    monkeypatch.setattr(sys, 'argv', [script, *map(str, arguments)])
    runpy.run_path(script, run_name='__main__')


def assert_equal(work_dir, other):
    found = [
        place
        for place in differences(
            *(load_checkpoint_file(str(Path(folder) / LAST)) for folder in (work_dir, other))
        )
        if not place.startswith('meta/training/config/model.head.num_classes')
    ]
    assert not found, found[:5]


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp('config'), train_dataloader__batch_size=16)


@pytest.fixture(scope='module')
def ours(config, tmp_path_factory):
    """The folder that tools/train.py leaves."""
    folder = tmp_path_factory.mktemp('ours') / 'work'
    with pytest.MonkeyPatch.context() as patch:
        call(patch, 'train', config, '--work-dir', folder)
    return folder


def test_a_bare_runner(config, ours, tmp_path):
    cfg = Config.fromfile(config)
    assert cfg.model.head.num_classes is None
    cfg.work_dir = str(tmp_path)
    Runner.from_cfg(cfg).train()
    assert_equal(tmp_path, ours)


@pytest.mark.slow
def test_the_number_in_the_config_gives_the_same_training(config, ours, tmp_path):
    cfg = Config.fromfile(config)
    cfg.work_dir, cfg.model.head.num_classes = str(tmp_path), 6
    Runner.from_cfg(cfg).train()
    assert_equal(tmp_path, ours)


@pytest.mark.slow
def test_a_bare_runner_resumes_to_the_bit(config, ours, tmp_path):
    shutil.copy(ours / 'epoch_1.pth', tmp_path)
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_1.pth'))
    cfg = Config.fromfile(config)
    cfg.work_dir, cfg.resume = str(tmp_path), True
    Runner.from_cfg(cfg).train()
    assert_equal(tmp_path, ours)


def test_a_bare_runner_tests(config, ours, tmp_path, monkeypatch):
    """A provisional head takes the checkpoint; the figures are those of tools/test.py."""
    cfg = Config.fromfile(config)
    cfg.work_dir, cfg.load_from = str(tmp_path), str(ours / LAST)
    found = Runner.from_cfg(cfg).test()
    call(monkeypatch, 'test', config, ours / LAST, '--work-dir', tmp_path / 'ours')
    log = next((tmp_path / 'ours').rglob('*.log')).read_text()
    assert f'reid/mAP: {found["reid/mAP"]:.4f}' in log
    assert f'rerank/mAP: {found["rerank/mAP"]:.4f}' in log


@pytest.mark.slow
@needs_their_tools
def test_mmpretrains_tools(config, ours, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_theirs(monkeypatch, 'train', config, '--work-dir', 'work')
    assert_equal(tmp_path / 'work', ours)
    run_theirs(monkeypatch, 'test', config, 'work/epoch_2.pth', '--work-dir', 'tested')
    assert list((tmp_path / 'tested').rglob('*.log'))


SMALL = """
_base_ = 'reid_fusedloss::{base}'
size = dict(resize=dict(scale=(24, 48)))
train_dataloader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset=dict(
    pipeline=dict(crop=dict(crop_size=(48, 24)), **size)))
val_dataloader = test_dataloader = dict(num_workers=0, persistent_workers=False,
                                        dataset=dict(pipeline=size))
model = dict(backbone=dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None),
             head=dict(in_channels=64))
train_cfg = dict(max_epochs=1, val_interval=1)
"""


@pytest.mark.slow
@needs_their_tools
@pytest.mark.skipif(
    not (PACKAGE / MIM / 'configs').exists(),
    reason='the package is not installed (pip install -e .)',
)
@pytest.mark.parametrize(
    'base', ['demo/synthetic_r18.py', 'paper/table4/3_circle_triplet.py', 'paper/fusedloss_r50.py']
)
def test_a_users_config_by_scope_under_mmpretrains_tools(base, tmp_path, monkeypatch):
    """The row and the headline, shrunk, on the built-in pedestrians."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('REID_DATASET', 'synthetic')
    monkeypatch.setenv('SYNTHETIC_ROOT', str(tmp_path / 'data'))
    people = ', '.join(f'{key}={value}' for key, value in DATA.items())
    (tmp_path / 'mine.py').write_text(
        SMALL.format(base=base).replace('dataset=dict(', f'dataset=dict({people}, ')
    )
    call(monkeypatch, 'run', THEIR_TOOLS / 'train.py', 'mine.py', '--work-dir', 'work')
    scores = json.loads((tmp_path / 'work' / 'scores.json').read_text())
    assert 0 < scores['reid/mAP'] <= 100
    weights = load_checkpoint_file('work/epoch_1.pth')['state_dict']
    assert weights['head.classifier.weight'].shape == (6, 64)


@pytest.mark.slow
@needs_their_tools
def test_two_processes(config, tmp_path):
    """A total batch of 16 on two processes, by tools/dist_train.sh and by mmpretrain's train.py."""
    finish(start(config, tmp_path / 'ours', processes=2), tmp_path / 'ours')
    environment = dict(
        os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(REPOSITORY), CUDA_VISIBLE_DEVICES=''
    )
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'torch.distributed.run',
            '--nproc_per_node=2',
            f'--master_port={free_port()}',
            str(THEIR_TOOLS / 'train.py'),
            config,
            '--launcher',
            'pytorch',
            '--work-dir',
            str(tmp_path / 'theirs'),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'P=2 identities x K=4 images = 8 images a process, 16 in all on 2' in (
        done.stdout + done.stderr
    )
    assert_equal(tmp_path / 'ours', tmp_path / 'theirs')
