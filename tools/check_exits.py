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

from stops.tiny_demo import DEMO, tiny_options

OPTIONS = {
    'train_cfg.max_epochs': 1,
    'param_scheduler.1.begin': 0,
    'param_scheduler.1.end': 1,
    'train_dataloader.num_workers': 1,
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def train(work_dir: Path, processes: int) -> int:
    """Run a training and return its exit status; `work_dir`.txt, its log, is kept unless 0."""
    options = tiny_options(work_dir.parent / 'data') | OPTIONS
    launcher = [f'--nproc_per_node={processes}', f'--master_port={free_port()}']
    command = [
        *(sys.executable, '-m', 'torch.distributed.run', *launcher),
        *(Path(__file__).with_name('train.py'), DEMO, '--launcher', 'pytorch'),
        *('--work-dir', work_dir, '--cfg-options'),
        *(f'{key}={value}' for key, value in options.items()),
    ]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    with open(f'{work_dir}.txt', 'w') as log:
        status = subprocess.run(
            list(map(str, command)), stdout=log, stderr=log, env=environment
        ).returncode
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
