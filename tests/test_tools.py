"""The tools as a user starts them, in processes of their own."""

import json
import os
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config

from reid_fusedloss.commands.processes import torchrun
from tests.calling import call
from tests.engine.processes import free_port
from tests.tiny import REPOSITORY, tiny_config


def start(*command, cwd):
    environment = dict(
        os.environ,
        PYTHONPATH=str(REPOSITORY),
        OMP_NUM_THREADS='1',
        PORT=free_port(),
        PYTHONWARNINGS='ignore',
        PATH=f'{os.path.dirname(sys.executable)}{os.pathsep}{os.environ["PATH"]}',
    )
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Folder with the config of a tiny training, tiny.py, and its images."""
    folder = tmp_path_factory.mktemp('tools')
    cfg = tiny_config(folder / 'data', folder / 'work', train_dataloader__batch_size=16)
    cfg.pop('work_dir')
    cfg.dump(folder / 'tiny.py')
    return folder


@pytest.fixture(scope='module')
def distributed(folder):
    """A tiny training on two processes: (its folder, the tool's output)."""
    code, output = start(
        REPOSITORY / 'tools' / 'dist_train.sh', 'tiny.py', 2, '--work-dir', 'work', cwd=folder
    )
    assert code == 0, output
    return folder, output


@pytest.mark.slow
def test_two_processes_share_the_total_batch(distributed):
    _, output = distributed
    assert 'P=2 identities x K=4 images = 8 images a process, 16 in all on 2 process(es)' in output
    assert 'Epoch(val) [2]' in output


@pytest.mark.slow
def test_metrics_do_not_depend_on_the_number_of_processes(distributed):
    folder, _ = distributed
    scores = {}
    for processes, command in (
        (1, [sys.executable, REPOSITORY / 'tools' / 'test.py', 'tiny.py', 'work/epoch_2.pth']),
        (2, [REPOSITORY / 'tools' / 'dist_test.sh', 'tiny.py', 'work/epoch_2.pth', 2]),
    ):
        code, output = start(*command, '--work-dir', f'test{processes}', cwd=folder)
        assert code == 0, output
        scores[processes] = json.loads((folder / f'test{processes}' / 'scores.json').read_text())
    assert scores[1] == scores[2]
    during_training = json.loads((folder / 'work' / 'scores.json').read_text())
    assert during_training['reid/mAP'] == pytest.approx(scores[1]['reid/mAP'], abs=1e-6)


@pytest.fixture(scope='module')
def selectable(folder):
    """A config that leaves its data set open, and two data set configs beside it."""
    cfg = Config.fromfile(folder / 'tiny.py')
    loaders = {key: cfg.pop(f'{key}_dataloader') for key in ('train', 'val', 'test')}
    cfg.dump(folder / 'rest.py')
    for name, num_ids in (('four', 4), ('five', 5)):
        for loader in loaders.values():
            loader.dataset.data_root = str(folder / f'data_{name}')
            loader.dataset.num_test_ids = num_ids
        Config({f'{key}_dataloader': loader for key, loader in loaders.items()}).dump(
            folder / f'{name}.py'
        )
    here = os.path.relpath(folder, REPOSITORY / 'configs' / '_base_' / 'datasets')
    relative = os.path.relpath(REPOSITORY / 'configs' / '_base_' / 'datasets', folder)
    (folder / 'open.py').write_text(
        f"_base_ = ['{relative}/{{{{$REID_DATASET:{here}/four}}}}.py', './rest.py']\n"
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize('processes', [1, 2])
def test_several_test_sets_in_one_run(selectable, distributed, processes):
    command = [sys.executable, REPOSITORY / 'tools' / 'test.py', 'open.py', 'work/epoch_2.pth']
    if processes == 2:
        command = [REPOSITORY / 'tools' / 'dist_test.sh', 'open.py', 'work/epoch_2.pth', 2]
    code, output = start(
        *command,
        '--dataset',
        'four.py',
        'five.py',
        '--compare',
        '--flip',
        '--work-dir',
        f'several{processes}',
        cwd=selectable,
    )
    assert code == 0, output
    table = output.split('\n\n')[-1].splitlines()
    assert table[0].split()[:2] == ['mAP', 'mINP'] and len(table) == 1 + 2 * 6
    for name in ('four', 'five'):
        path = selectable / f'several{processes}' / f'test_{name}' / 'scores.json'
        scores = json.loads(path.read_text())
        (row,) = (line.split() for line in table if line.startswith(f'{name} reid '))
        assert float(row[2]) == pytest.approx(scores['reid/mAP'], abs=0.006)
        (row,) = (line.split() for line in table if line.startswith(f'{name} pooled_rerank '))
        assert float(row[2]) == pytest.approx(scores['pooled_rerank/mAP'], abs=0.006)
    assert 'the checkpoint was trained on 6 identities' in output


def test_a_missing_test_set_is_said_before_any_is_tested(selectable, monkeypatch):
    monkeypatch.chdir(selectable)
    torch.save({'backbone.conv1.weight': torch.zeros(1)}, 'weights.pth')
    with pytest.raises((FileNotFoundError, ValueError), match='(?i)msmt17'):
        call(
            monkeypatch,
            'test',
            'open.py',
            'weights.pth',
            '--dataset',
            'four.py',
            'msmt17',
            '--work-dir',
            'missing',
        )
    assert not (selectable / 'missing').exists()


@pytest.mark.slow
def test_a_mistake_ends_with_its_words(tmp_path):
    code, output = start(
        sys.executable, REPOSITORY / 'tools' / 'train.py', 'nowhere.py', cwd=tmp_path
    )
    assert code != 0
    assert all(word in output.splitlines()[-1] for word in ('nowhere.py', 'check the path')), output


@pytest.mark.slow
@pytest.mark.parametrize(
    'arguments, words',
    [
        (
            ['train', 'tiny.py', '--cfg-options', 'train_dataloader.batch_size=10'],
            ['batch_size=10', 'num_instances=4'],
        ),
        (['train', 'tiny.py', '--cfg-options', 'model.head.los.terms=1'], ['los']),
        (['test', 'tiny.py', 'nothing.pth'], ['nothing.pth']),
    ],
)
def test_mistakes_on_the_command_line(distributed, monkeypatch, arguments, words):
    monkeypatch.chdir(distributed[0])
    with pytest.raises((FileNotFoundError, TypeError, ValueError)) as caught:
        call(monkeypatch, *arguments)
    assert all(word in str(caught.value).splitlines()[-1] for word in words), caught.value


@pytest.mark.slow
def test_evaluate_features_on_a_file(tmp_path, monkeypatch, capsys):
    import numpy as np

    pids = np.arange(12) % 4
    features = np.eye(4, dtype=np.float32)[pids]
    np.savez(
        tmp_path / 'features.npz',
        query_f=features[:4],
        query_label=pids[:4],
        query_cam=np.zeros(4, int),
        gallery_f=features[4:],
        gallery_label=pids[4:],
        gallery_cam=np.ones(8, int),
    )
    code, output = start(
        sys.executable, REPOSITORY / 'tools' / 'evaluate_features.py', 'features.npz', cwd=tmp_path
    )
    assert code == 0 and json.loads(output[output.index('{') :])['reid/mAP'] == 100
    with pytest.raises(ValueError, match='FPIR 0.01 needs at least 100 strangers, there are 2'):
        call(monkeypatch, 'evaluate_features', tmp_path / 'features.npz', '--open-set')
    for rates, keys in (('0.5', ['5e-01']), ('0.5,1.0', ['5e-01', '1e+00'])):
        call(
            monkeypatch,
            'evaluate_features',
            tmp_path / 'features.npz',
            '--open-set',
            f'fpir={rates}',
            'trials=2',
            'seed=3',
        )
        output = capsys.readouterr().out
        found = json.loads(output[output.index('{') :])
        assert {key: value for key, value in found.items() if 'DIR@' in key} == {
            f'reid/DIR@FPIR={key}': 100.0 for key in keys
        }
    np.savez(tmp_path / 'half.npz', query_f=features)
    with pytest.raises(ValueError, match='gallery_f'):
        call(monkeypatch, 'evaluate_features', tmp_path / 'half.npz')
    np.savez(
        tmp_path / 'uneven.npz',
        query_f=features[:4],
        query_label=pids[:4],
        gallery_f=features[4:],
        gallery_label=pids[4:-1],
    )
    with pytest.raises(ValueError, match='gallery'):
        call(monkeypatch, 'evaluate_features', tmp_path / 'uneven.npz')


def test_processes_are_started_by_torchrun(monkeypatch):
    """The second of two machines; the arguments are the user's, without the number."""
    commands = []
    monkeypatch.setattr('os.execv', lambda _, command: commands.append(command))
    for name, value in dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='nodea', PORT='1').items():
        monkeypatch.setenv(name, value)
    for words in (['--processes', '4'], ['--processes=4'], ['--process', '4']):
        torchrun('train', ['config.py', *words, '--dataset', 'a b'], 4)
    assert (
        commands[0]
        == commands[1]
        == [
            sys.executable,
            '-m',
            'torch.distributed.run',
            '--nnodes=2',
            '--node_rank=1',
            '--master_addr=nodea',
            '--master_port=1',
            '--nproc_per_node=4',
            '-m',
            'reid_fusedloss',
            'train',
            'config.py',
            '--dataset',
            'a b',
            '--launcher',
            'pytorch',
        ]
    )
    with pytest.raises(ValueError, match='--processes 0'):
        torchrun('train', [], 0)


def test_slurm_starts_one_launcher_a_machine(tmp_path):
    """With stand-ins for srun, scontrol and python: what is started on the second machine."""
    stand_ins = dict(
        srun='while [[ "$1" == --* ]]; do echo "srun $1"; shift; done\n'
        'SLURM_NNODES=2 SLURM_NODEID=1 SLURM_JOB_NODELIST="node[a-b]" exec "$@"',
        scontrol='printf "nodea\\nnodeb\\n"',
        python='echo "python $* $NNODES $NODE_RANK $MASTER_ADDR"',
    )
    for name, text in stand_ins.items():
        (tmp_path / name).write_text(f'#!/usr/bin/env bash\n{text}\n')
        (tmp_path / name).chmod(0o755)
    environment = dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}', GPUS='8')
    done = subprocess.run(
        [
            str(REPOSITORY / 'tools' / 'slurm_train.sh'),
            'gpu',
            'job',
            'config.py',
            '--dataset',
            'a b',
        ],
        env=environment,
        capture_output=True,
        text=True,
    )
    for words in (
        'srun --nodes=2',
        'srun --gres=gpu:4',
        'train.py config.py --processes 4 --dataset a b 2 1 nodea',
    ):
        assert words in done.stdout, done.stdout + done.stderr
    environment['GPUS'] = '6'
    environment['GPUS_PER_NODE'] = '4'
    done = subprocess.run(
        [str(REPOSITORY / 'tools' / 'slurm_train.sh'), 'gpu', 'job', 'config.py'],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and 'GPUS=6' in done.stderr
