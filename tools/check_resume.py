#!/usr/bin/env python
"""Kill a training at random moments, go on, and compare the end with that of a run without a stop.

    python tools/check_resume.py --kills 20 --work-dir work_dirs/check_resume

Each time a new training is started, its whole process group killed (SIGKILL, or the signal chosen)
at a random moment, and resumed; the last checkpoints have to be equal to the bit, and so have the
logged curves. On a CPU; a GPU's kernels are not all reproducible.
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

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences, latest_checkpoint
from reid_fusedloss.visualization import load_scalars

TOOLS = Path(__file__).resolve().parent
DEMO = TOOLS.parent / 'configs' / 'demo' / 'synthetic_r18.py'
CLOCK = ('time', 'data_time', 'memory')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default=str(DEMO))
    parser.add_argument('--work-dir', default='work_dirs/check_resume')
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--signal', choices=['KILL', 'TERM'], default='KILL')
    parser.add_argument('--seed', type=int, default=0, help='of the moments')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='keys of the config, as for tools/train.py',
    )
    return parser.parse_args()


def start(args: argparse.Namespace, work_dir: Path, *flags: str) -> subprocess.Popen:
    """A training in a process group of its own; what it prints goes to `work_dir`.txt."""
    command = [
        sys.executable,
        str(TOOLS / 'train.py'),
        args.config,
        '--amp',
        '--work-dir',
        str(work_dir),
        *flags,
    ]
    if args.cfg_options:
        command += ['--cfg-options', *args.cfg_options]
    with open(f'{work_dir}.txt', 'a') as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def finish(process: subprocess.Popen, work_dir: Path) -> None:
    if process.wait() != 0:
        raise RuntimeError(f'the training ended with {process.returncode}, see {work_dir}.txt')


def unequal(work_dir: Path, straight: Path) -> list[str]:
    """In what the ends of two trainings differ."""
    last = [latest_checkpoint(str(folder)) for folder in (work_dir, straight)]
    if None in last or Path(last[0]).name != Path(last[1]).name:
        return [f'the last checkpoints are {last}']
    found = list(differences(*map(load_checkpoint_file, last)))
    curves = [
        {
            kind: [
                {key: value for key, value in line.items() if key not in CLOCK} for line in lines
            ]
            for kind, lines in load_scalars(folder).items()
        }
        for folder in (work_dir, straight)
    ]
    return found + ['the logged curves'] * (curves[0] != curves[1])


def trial(args: argparse.Namespace, work_dir: Path, straight: Path, moment: float) -> list[str]:
    """Kill a training after so many seconds, resume it, compare."""
    process = start(args, work_dir)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, getattr(signal, f'SIG{args.signal}'))
        process.wait()
    left = latest_checkpoint(str(work_dir))
    print(
        f'stopped after {moment:5.1f} s (exit {process.returncode}), '
        f'{Path(left).name if left else "no checkpoint"}',
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
    print(f'without a stop: {length:.0f} s, {Path(latest_checkpoint(str(base / "straight"))).name}')
    moments, equal = random.Random(args.seed), 0
    for number in range(args.kills):
        found = trial(args, base / f'kill_{number}', base / 'straight', moments.uniform(0, length))
        print('equal' if not found else f'DIFFERS in {found[:3]} ({len(found)} places)', flush=True)
        equal += not found
        shutil.rmtree(base / f'kill_{number}')
    print(f'{equal} of {args.kills} equal to the run without a stop, to the bit')
    raise SystemExit(0 if equal == args.kills else 1)


if __name__ == '__main__':
    main()
