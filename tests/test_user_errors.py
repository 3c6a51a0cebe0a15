"""Mistakes on the command line: one line and status 2, by every command."""

import argparse
import os
import pickle
import re
import sys
import zipfile

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import MODELS

from reid_fusedloss.commands import COMMANDS, TRACEBACK, start
from tests.calling import job
from tests.tiny import tiny_config

IMAGES = '--images data/query'
# command -> a missing file, a folder in place of a file, a corrupt file, an option out of range
MISTAKES = dict(
    demo=('--config gone.py', '--config folder.py', '--config bad.py', '--work-dir a.pth'),
    train=('gone.py', 'folder.py', 'bad.py', 'tiny.py --cfg-options train_dataloader.batch_size=0'),
    test=(
        'tiny.py gone.pth',
        'tiny.py folder.pth',
        'tiny.py bad.pth',
        'tiny.py a.pth --cfg-options test_dataloader.batch_size=-3',
    ),
    search=(
        'tiny.py a.pth --query gone.jpg --gallery data/query',
        'tiny.py folder.pth --query data/query --gallery data/query',
        'bad.onnx --query data/query --gallery data/query',
        'tiny.py a.pth --query data/query --gallery data/query -k 0',
    ),
    extract=(
        'tiny.py a.pth gone.jpg --out out',
        'tiny.py folder.pth data/query --out out',
        'tiny.py bad.pth data/query --out out',
        'tiny.py a.pth data/query --out out --batch-size 0',
    ),
    export=(
        'tiny.py gone.pth out.onnx',
        'tiny.py a.pth folder.onnx',
        'tiny.py bad.pth out.onnx',
        'tiny.py a.pth out.onnx --tolerance -1',
    ),
    explain=(
        f'tiny.py gone.pth {IMAGES}',
        f'tiny.py folder.pth {IMAGES}',
        f'tiny.py bad.pth {IMAGES}',
        f'tiny.py a.pth {IMAGES} --width 0',
    ),
    serve=(
        'tiny.py a.pth --gallery gone',
        'folder.onnx --gallery data/query',
        'bad.onnx --gallery data/query',
        'tiny.py a.pth --gallery data/query --port -1',
    ),
    convert=(
        'gone.pth out.pth',
        'folder.pth out.pth',
        'bad.pth out.pth',
        'a.pth out.pth --layout gone',
    ),
    ablate=(
        '--rows gone.py --dataset synthetic',
        '--rows folder.py --dataset synthetic',
        '--rows bad.py --dataset synthetic',
        '--rows tiny.py --dataset synthetic --processes 0',
    ),
    table=(
        '--dataset market1501 --root a.pth/gone',
        '--dataset market1501 --output a.pth',
        None,
        '--dataset market1501 --tables 99',
    ),
    plot=(
        'distances gone.npz',
        'distances folder.npz',
        'distances bad.npz',
        'cmc ok.npz --max-rank 0',
    ),
    ranking=(
        'gone.json ok.json out.png',
        'folder ok.json out.png',
        'bad.json ok.json out.png',
        'ok.json ok2.json out.png --topk 0',
    ),
    evaluate=('gone.npz', 'folder.npz', 'bad.npz', 'ok.npz --tpr-at-fpr 2'),
    configs=('gone', 'fusedloss_r50 --copy a.pth', None, '--copy out'),
    run=('gone.py', 'folder.py', 'bad.py', 'value.py'),
)
KINDS = ('missing', 'folder', 'corrupt', 'out of range')
NEEDS = dict(search='faiss', serve='gradio')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Files and folders that are wrong, and some that are not."""
    folder = tmp_path_factory.mktemp('user errors')
    cfg = tiny_config(folder / 'data', folder / 'work')
    cfg.model.backbone.init_cfg = None
    weights = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=weights, meta={}), folder / 'a.pth')
    torch.save(dict(state_dict=weights, meta=argparse.Namespace()), folder / 'object.pth')
    cfg.dump(folder / 'tiny.py')
    (folder / 'bad.pth').write_bytes((folder / 'a.pth').read_bytes()[:5000])
    (folder / 'no.pth').write_text('hello')
    (folder / 'value.py').write_text('raise ValueError("value of the script")')
    for name in ('bad.py', 'bad.npz', 'bad.onnx', 'bad.json'):
        (folder / name).write_bytes(b'PK\x03\x04 broken (')
    for name in ('folder', 'folder.py', 'folder.pth', 'folder.npz', 'folder.onnx'):
        (folder / name).mkdir()
    pids = np.arange(8) % 4
    features = np.eye(4, dtype=np.float32)[pids]
    np.savez(
        folder / 'ok.npz',
        query_f=features,
        query_label=pids,
        gallery_f=features,
        gallery_label=pids,
    )
    for name in ('ok.json', 'ok2.json'):
        (folder / name).write_text('{"queries": []}')
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run a command in the folder; its status, and its error without argparse's usage."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv('REID_TRUST_CHECKPOINT', '0')

    def run(name, words):
        if name in NEEDS:
            pytest.importorskip(NEEDS[name])
        try:
            status = start(name, words.split())
        except SystemExit as stop:
            status = stop.code
        error = capsys.readouterr().err
        return status, re.sub(r'(?s)\Ausage: .*?(?=^reid-fusedloss)', '', error, flags=re.M)

    return run


def is_one_line(name, error):
    return (
        error.count('\n') == 1
        and error.startswith(f'reid-fusedloss {name}')
        and (': error: ' in error)
        and len(error) < 600
    )


@pytest.mark.parametrize('name, kind', [(name, kind) for name in COMMANDS for kind in KINDS])
def test_mistakes(run, name, kind):
    words = MISTAKES[name][KINDS.index(kind)]
    if words is None:
        pytest.skip(f'{name} reads no file of the user')
    status, error = run(name, words)
    assert status == 2 and is_one_line(name, error), error
    if kind != 'out of range':
        named = re.findall(r'[\w/.]*(?:gone|folder|bad|a\.pth)[\w.]*', words)
        assert any(file in error for file in named), error


@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid() == 0, reason='root may read all')
@pytest.mark.parametrize(
    'name, words',
    [
        ('train', 'locked.py'),
        ('test', 'tiny.py locked.pth'),
        ('evaluate', 'locked.npz'),
        ('convert', 'locked.pth out.pth'),
        ('plot', 'distances locked.npz'),
    ],
)
def test_files_that_may_not_be_read(run, folder, name, words):
    for suffix in ('py', 'pth', 'npz'):
        path = folder / f'locked.{suffix}'
        path.touch()
        path.chmod(0)
    status, error = run(name, words)
    assert status == 2 and is_one_line(name, error) and 'locked' in error, error


@pytest.mark.parametrize(
    'name, words',
    [
        ('train', 'tiny.py --cfg-options nonsense'),
        ('train', 'tiny.py --cfg-options a=[1,(2]'),
        ('evaluate', 'ok.npz --query-expansion k'),
        ('plot', 'cmc ok.npz --cfg-options x'),
        ('search', 'tiny.py a.pth --query data --kind ivf --kind-options nlist'),
    ],
)
def test_what_is_no_key_and_value(run, name, words):
    status, error = run(name, words)
    assert status == 2 and is_one_line(name, error)
    assert 'is not KEY=VALUE' in error or 'cannot be read' in error


@pytest.mark.parametrize('name', COMMANDS)
def test_ctrl_c(run, monkeypatch, name):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(job(name), 'run', interrupted)
    assert run(name, MISTAKES[name][0]) == (130, 'stopped\n')


def deep(args=None):
    return deep()


def failing(error):
    def run(args):
        raise error

    return run


@pytest.mark.parametrize(
    'error, words',
    [
        (FloatingPointError('not finite'), 'error: not finite'),
        (MemoryError(), 'MemoryError'),
        (RuntimeError('Error in faiss::read\nat io.cpp:3'), 'Error in faiss::read at io.cpp:3'),
        (RecursionError('too deep'), 'RecursionError'),
        (EOFError('ran out'), 'EOFError: ran out'),
        (zipfile.BadZipFile('no zip'), 'no zip'),
        (pickle.UnpicklingError('bad'), 'bad'),
        (SyntaxError('invalid'), 'invalid'),
        (cv2.error('(-215)'), '(-215)'),
        (ValueError('\x1b]52;c;aGk=\x07 \x1b[2J\rok'), r'\x1b]52;c;aGk=\x07 \x1b[2J ok'),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else '',
)
def test_errors_of_every_library(run, monkeypatch, error, words):
    monkeypatch.setattr(job('evaluate'), 'run', failing(error))
    status, said = run('evaluate', 'ok.npz')
    assert status == 2 and is_one_line('evaluate', said) and words in said
    monkeypatch.setenv(TRACEBACK, '1')
    with pytest.raises(type(error)):
        run('evaluate', 'ok.npz')


def test_errors_of_onnxruntime_and_of_the_stack(run, monkeypatch, folder):
    """onnxruntime's derive from Exception alone."""
    runtime = pytest.importorskip('onnxruntime')
    monkeypatch.setattr(
        job('evaluate'), 'run', lambda args: runtime.InferenceSession(str(folder / 'bad.onnx'))
    )
    status, error = run('evaluate', 'ok.npz')
    assert status == 2 and is_one_line('evaluate', error) and 'bad.onnx' in error
    monkeypatch.setattr(job('evaluate'), 'run', deep)
    status, error = run('evaluate', 'ok.npz')
    assert status == 2 and is_one_line('evaluate', error) and 'RecursionError' in error


def test_names_among_the_arguments_do_not_act_on_the_terminal(run):
    """A shell's *.npz puts any name there."""
    status, error = run('evaluate', 'ok.npz \x1b]52;c;aGk=\x07')
    assert status == 2 and r'\x1b]52;c;aGk=\x07' in error and '\x1b' not in error


@pytest.mark.parametrize(
    'name, words',
    [
        ('test', 'tiny.py FILE'),
        ('search', 'tiny.py FILE --query data/query --gallery data/query'),
        ('extract', 'tiny.py FILE data/query --out out'),
        ('export', 'tiny.py FILE out.onnx'),
        ('explain', f'tiny.py FILE {IMAGES}'),
        ('serve', 'tiny.py FILE --gallery data/query'),
        ('convert', 'FILE out.pth'),
        ('plot', 'cmc tiny.py FILE'),
        ('train', 'tiny.py --work-dir work --resume FILE'),
    ],
)
def test_the_hint_to_trust_a_file_can_be_followed(run, name, words):
    """It names a flag of the command, and is not given to those who followed it."""
    status, error = run(name, words.replace('FILE', 'object.pth'))
    assert status == 2 and is_one_line(name, error) and '--trust-checkpoint' in error
    status, error = run(name, words.replace('FILE', 'no.pth') + ' --trust-checkpoint')
    assert status == 2 and is_one_line(name, error)
    assert 'no.pth' in error and 'trust' not in error
    sys.modules['reid_fusedloss'].trust_checkpoints(False)
