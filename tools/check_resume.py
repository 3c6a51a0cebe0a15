#!/usr/bin/env python
"""Kill trainings at random moments, resume them, and compare with an uninterrupted training.

    python tools/check_resume.py --kills 20 --work-dir work_dirs/check_resume

Each training's process group is killed (SIGKILL, or the chosen signal) at a random moment, then
the training is resumed. The last checkpoints must be identical to the bit, and so must the logged
curves. Use a CPU: not all GPU kernels are reproducible.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from stops.tiny_demo import DEMO
from stops.training import curves

from reid_fusedloss.engine.checkpoints import differences, latest_checkpoint
from reid_fusedloss.loading import load_checkpoint_file

TOOLS = Path(__file__).resolve().parent


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default=str(DEMO))
    parser.add_argument('--work-dir', default='work_dirs/check_resume')
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--signal', choices=['KILL', 'TERM'], default='KILL')
    parser.add_argument('--seed', type=int, default=0, help='of the random moments')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='options of the config, as for tools/train.py',
    )
    return parser.parse_args()


def start(args: argparse.Namespace, work_dir: Path, *flags: str) -> subprocess.Popen:
    """Start a training in its own process group; its output goes to `work_dir`.txt."""
    command = [sys.executable, str(TOOLS / 'train.py'), args.config, '--amp', *flags]
    command += ['--work-dir', str(work_dir)]
    if args.cfg_options:
        command += ['--cfg-options', *args.cfg_options]
    with open(f'{work_dir}.txt', 'a') as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def finish(process: subprocess.Popen, work_dir: Path) -> None:
    if process.wait() != 0:
        raise RuntimeError(
            f'the training ended with status {process.returncode}, see {work_dir}.txt'
        )


def last_checkpoint(work_dir: Path) -> Path | None:
    """Find the checkpoint that a training would resume from."""
    found = latest_checkpoint(str(work_dir))
    return None if found is None else Path(found)


def unequal(work_dir: Path, straight: Path) -> list[str]:
    """List the differences between the results of two trainings."""
    last, wanted = last_checkpoint(work_dir), last_checkpoint(straight)
    if last is None or wanted is None or last.name != wanted.name:
        return [f'the last checkpoints are {last} and {wanted}']
    found = list(differences(load_checkpoint_file(last), load_checkpoint_file(wanted)))
    return found + ['the logged curves'] * (curves(work_dir) != curves(straight))


def trial(args: argparse.Namespace, work_dir: Path, straight: Path, moment: float) -> list[str]:
    """Kill a training after `moment` seconds, resume it, and compare the results."""
    process = start(args, work_dir)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, getattr(signal, f'SIG{args.signal}'))
        process.wait()
    left = last_checkpoint(work_dir)
    print(
        f'stopped after {moment:5.1f} s (exit {process.returncode}), '
        f'{left.name if left else "no checkpoint"}',
        end=': ',
        flush=True,
    )
    finish(start(args, work_dir, '--resume'), work_dir)
    return unequal(work_dir, straight)


def main() -> None:
    args = parse_args()
    base = Path(args.work_dir)
    try:
        base.mkdir(parents=True)
    except FileExistsError:
        raise SystemExit(f'{base} exists: remove it, or give another --work-dir') from None
    begin = time.monotonic()
    finish(start(args, base / 'straight'), base / 'straight')
    length = time.monotonic() - begin
    print(f'without a stop: {length:.0f} s, {last_checkpoint(base / "straight")}')
    moments, equal = random.Random(args.seed), 0
    for number in range(args.kills):
        found = trial(args, base / f'kill_{number}', base / 'straight', moments.uniform(0, length))
        print('equal' if not found else f'DIFFERS in {found[:3]} ({len(found)} places)', flush=True)
        equal += not found
        shutil.rmtree(base / f'kill_{number}')
    print(f'{equal} of {args.kills} equal to the uninterrupted run, to the bit')
    raise SystemExit(0 if equal == args.kills else 1)


if __name__ == '__main__':
    main()
