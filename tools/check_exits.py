#!/usr/bin/env python
"""Run small trainings on several CPU processes and count their exit statuses.

    python tools/check_exits.py --runs 200 --jobs 2 --work-dir work_dirs/check_exits

Each is complete: torchrun, two processes, an epoch of three steps, an evaluation, checkpoints. The
exit status must be 0. The log of a training that fails is printed, and kept in the work_dir.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
DEMO = TOOLS.parent / 'configs' / 'demo' / 'synthetic_r18.py'
DATA = dict(
    num_train_ids=6,
    num_test_ids=4,
    num_distractors=0,
    num_junk=0,
    num_cameras=2,
    images_per_camera=2,
    size='(48,24)',
)
OPTIONS = {
    'model.backbone.stem_channels': 8,
    'model.backbone.base_channels': 8,
    'model.head.in_channels': 64,
    'train_cfg.max_epochs': 1,
    'train_cfg.val_interval': 1,
    'param_scheduler.1.begin': 0,
    'param_scheduler.1.end': 1,
    'train_dataloader.batch_size': 8,
    'train_dataloader.num_workers': 1,
    'train_dataloader.dataset.pipeline.crop.crop_size': '(48,24)',
    'val_dataloader.num_workers': 0,
    'val_dataloader.persistent_workers': False,
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--jobs', type=int, default=1, help='trainings at a time')
    parser.add_argument('--processes', type=int, default=2, help='of a training')
    parser.add_argument('--work-dir', default='work_dirs/check_exits')
    return parser.parse_args()


def options(data_root: Path) -> list[str]:
    """Make the --cfg-options that turn the demo into a training of seconds."""
    found = dict(OPTIONS)
    for loader in ('train', 'val', 'test'):
        dataset = f'{loader}_dataloader.dataset'
        found |= {f'{dataset}.{key}': value for key, value in DATA.items()}
        found[f'{dataset}.data_root'] = str(data_root)
        found[f'{dataset}.pipeline.resize.scale'] = '(24,48)'
    return [f'{key}={value}' for key, value in found.items()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def train(work_dir: Path, processes: int) -> int:
    """Run a training and return its exit status; `work_dir`.txt, its log, is kept unless 0."""
    command = [
        sys.executable,
        '-m',
        'torch.distributed.run',
        f'--nproc_per_node={processes}',
        f'--master_port={free_port()}',
        str(TOOLS / 'train.py'),
        str(DEMO),
        '--launcher',
        'pytorch',
        '--work-dir',
        str(work_dir),
        '--cfg-options',
        *options(work_dir.parent / 'data'),
    ]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    with open(f'{work_dir}.txt', 'w') as log:
        status = subprocess.run(command, stdout=log, stderr=log, env=environment).returncode
    if status:
        print(
            f'{work_dir.name} ended with status {status}:\n{Path(log.name).read_text()[-6000:]}',
            flush=True,
        )
    else:
        shutil.rmtree(work_dir)
        Path(log.name).unlink()
    return status


def main() -> None:
    args = parse_args()
    base = Path(args.work_dir).resolve()
    base.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()

    def trial(number: int) -> int:
        return train(base / f'run_{number}', args.processes)

    statuses = Counter([trial(0)])  # first and alone, since it draws the data set
    with ThreadPoolExecutor(args.jobs) as pool:
        statuses.update(pool.map(trial, range(1, args.runs)))
    print(
        f'{args.runs} trainings of {args.processes} processes in '
        f'{time.monotonic() - begin:.0f} s: '
        + ', '.join(
            f'{count} ended with status {status}' for status, count in sorted(statuses.items())
        )
    )
    raise SystemExit(0 if set(statuses) == {0} else 1)


if __name__ == '__main__':
    main()
