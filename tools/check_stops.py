#!/usr/bin/env python
"""Kill a command at every file event, run it again, and compare with an uninterrupted run.

    python tools/check_stops.py
    python tools/check_stops.py --parts index

Each time a new process is killed (SIGKILL) before a file event, or in the middle of a write: see
tools/stops/file_events.py. Then the command is run again. The result must equal that of an
uninterrupted run, and no file may be left over. An extraction and a search are then run once more
and must not write anything. Needs Linux and Python 3.11.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stops import features, index, training  # noqa: E402
from stops.file_events import file_events  # noqa: E402
from stops.scenarios import Scenario  # noqa: E402

PARTS = dict(features=features.SCENARIOS, index=index.SCENARIOS, training=training.SCENARIOS)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=list(PARTS))
    parser.add_argument('--folder', help="for temporary files; default: the system's")
    return parser.parse_args()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_process(scenario: Scenario, folder: Path, at: int | None) -> int:
    """Run a command in a new process that is killed at a point.

    Returns:
        0 if the command finished, else minus the signal.
    """
    sys.stdout.flush()
    child = os.fork()
    if not child:
        code = 1
        try:
            with file_events(folder, at, die):
                scenario.run(folder)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def unequal(scenario: Scenario, folder: Path, wanted: Any) -> str | None:
    """Run the command again, and once more if it must be idle then; return what is wrong."""
    scenario.run(folder)
    with file_events(folder, None, die) as events:
        if scenario.is_idle:
            scenario.run(folder)
    changes = [name for name in events.names if name != 'mkdir']  # it changes no file
    try:
        found = scenario.result(folder)
    except (AssertionError, ValueError, OSError) as error:
        return str(error)
    if changes:
        return f'the command writes again: {dict(Counter(changes))}'
    return None if found == wanted else 'the result differs'


def check(
    scenario: Scenario,
    base: Path,
    stop: Callable[[Scenario, Path, int], bool],
    takes: Callable[[int, str], bool] = lambda at, name: True,
) -> tuple[Counter, list[str]]:
    """Stop a command at each of its points.

    Args:
        scenario: the command.
        base: empty folder.
        stop: runs the command in a folder and stops it at a point; returns whether it did.
        takes: whether to stop at a point, by number and kind.

    Returns:
        The number of stops at each kind of point, and what went wrong.
    """
    straight = base / 'straight' / 'run'
    straight.mkdir(parents=True)
    scenario.prepare(straight)
    with file_events(straight, None, die) as events:
        scenario.run(straight)
    wanted = scenario.result(straight)
    taken: Counter[str] = Counter()
    wrong = []
    for at, name in enumerate(events.names):
        if not takes(at, name):
            continue
        taken[name] += 1
        folder = base / f'{at}' / 'run'
        folder.mkdir(parents=True)
        scenario.prepare(folder)
        if not stop(scenario, folder, at):
            wrong.append(f'point {at} ({name}): not stopped')
        if problem := unequal(scenario, folder, wanted):
            wrong.append(f'point {at} ({name}): {problem}')
        shutil.rmtree(folder.parent)
    return taken, wrong


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)  # threads do not survive a fork
    failed = 0
    with tempfile.TemporaryDirectory(dir=args.folder) as base:
        for part in args.parts:
            for name, scenario in PARTS[part].items():
                begin = time.monotonic()
                with open(os.devnull, 'w') as nowhere, redirect_stdout(nowhere):
                    points, wrong = check(
                        scenario,
                        Path(base, part, name),
                        lambda *where: killed_process(*where) == -signal.SIGKILL,
                    )
                failed += len(wrong)
                print(
                    f'{part}, {name}: killed at {points.total()} points '
                    f'({", ".join(f"{count} {kind}" for kind, count in points.items())}), '
                    f'{len(wrong)} wrong, {time.monotonic() - begin:.0f} s',
                    flush=True,
                )
                for line in wrong[:5]:
                    print(f'  {line}')
    raise SystemExit(1 if failed else 0)


if __name__ == '__main__':
    main()
