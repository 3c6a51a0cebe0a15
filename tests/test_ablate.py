"""tools/ablate.py and tools/table.py as a user starts them: stopped in the middle, gone on with."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from reid_fusedloss.engine.checkpoints import latest_checkpoint
from reid_fusedloss.loading import load_checkpoint_file
from tests.tiny import REPOSITORY, tiny_options

pytestmark = pytest.mark.slow

PAPER = REPOSITORY / 'configs' / 'paper'
ROWS = ['table2/6_bn', 'table3/1_id', 'table3/2_id_center']
EPOCHS = 3


def command(tool, *arguments):
    return [sys.executable, str(REPOSITORY / 'tools' / tool), *map(str, arguments)]


def start(parts, folder):
    environment = dict(
        os.environ, PYTHONPATH=str(REPOSITORY), OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore'
    )
    return subprocess.Popen(
        parts,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def is_running(word):
    """Whether some process was started with `word` among its arguments."""
    lines = subprocess.run(['ps', '-eo', 'args'], capture_output=True, text=True).stdout
    return any(word in line for line in lines.splitlines())


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """A list stopped in its first training, then run to its end: folder and both outputs."""
    folder = tmp_path_factory.mktemp('ablate')
    options = tiny_options(folder / 'data') | {
        'train_cfg.max_epochs': EPOCHS,
        'default_hooks.report.num_queries': 1,
    }
    given = [f'{key}={value}'.replace(' ', '') for key, value in options.items()]
    parts = command(
        'ablate.py',
        '--rows',
        *(PAPER / f'{row}.py' for row in ROWS),
        '--seeds',
        3,
        '--dataset',
        'synthetic',
        '--budget',
        'cpu_synthetic',
        '--cfg-options',
        *given,
    )
    process = start(parts, folder)
    first = folder / 'work_dirs' / 'synthetic_cpu_synthetic' / ROWS[0] / 'seed3'
    deadline = time.monotonic() + 300
    while not (first / 'last_checkpoint').exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    stopped = process.communicate(timeout=60)[0], process.returncode
    at = load_checkpoint_file(latest_checkpoint(str(first)))['meta']
    survivors = is_running(str(first.relative_to(folder)))
    process = start(parts, folder)
    finished = process.communicate(timeout=1200)[0], process.returncode
    return folder, first, stopped, at, survivors, finished


def test_stopping_stops_the_training_too(runs):
    _, _, (output, code), at, survivors, _ = runs
    assert code == 130 and 'continues from the last checkpoint' in output
    assert at['iter'] < EPOCHS * 3 and not survivors


def test_the_same_command_goes_on(runs):
    _, first, _, at, _, (output, code) = runs
    assert code == 0, output
    resumed = f'resumed epoch: {at["epoch"]}, iter: {at["iter"]}'
    assert resumed in (first / 'train.txt').read_text()
    checkpoint = load_checkpoint_file(first / f'epoch_{EPOCHS}.pth')
    assert checkpoint['meta']['iter'] == EPOCHS * 3 and checkpoint['meta']['seed'] == 3
    assert [path.name for path in first.glob('*.pth')] == [f'epoch_{EPOCHS}.pth']
    assert (
        'table3/1_id seed 3: the same config as table2/6_bn/seed3: its scores are copied' in output
    )
    lines = [line for line in output.splitlines() if 're-ranked R1' in line]
    assert [line.split(':')[0] for line in lines] == [
        f'[{number}/3] {row} seed 3' for number, row in enumerate(ROWS, 1)
    ]
    assert 'nothing left to run' in lines[-1]


def test_table_of_it(runs):
    folder, first = runs[:2]
    process = start(
        command(
            'table.py',
            '--dataset',
            'synthetic',
            '--budget',
            'cpu_synthetic',
            '--tables',
            2,
            3,
            '--output',
            'tables',
        ),
        folder,
    )
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    scores = json.loads((first / 'test_last' / 'scores.json').read_text())
    row = f'| {scores["reid/R1"]:.2f} | 90.1 | {scores["reid/mAP"]:.2f} | 76.2 | 1 |'
    text = (folder / 'tables' / 'tables_synthetic_cpu_synthetic.md').read_text()
    assert f'| +BN {row}' in text and f'| L_id {row}' in text
    assert '| Backbone | not run | 83.4 | not run | 69.6 | 0 |' in text
    assert 'synthetic; budget cpu_synthetic; 3 epochs; ResNet-18, base_channels=8; 48x24; ' in text
    with open(folder / 'tables' / 'tables_synthetic_cpu_synthetic.csv') as file:
        records = [record for record in csv.DictReader(file) if record['status'] == 'finished']
    assert [(record['row'], record['metric']) for record in records] == [
        (row, metric) for row in ("'+BN", 'L_id', 'L_id + L_center') for metric in ('R1', 'mAP')
    ]
