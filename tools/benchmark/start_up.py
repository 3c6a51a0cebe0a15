#!/usr/bin/env python
"""Time short commands, each in a process of its own: what a user waits for.

    python tools/benchmark/start_up.py
    python tools/benchmark/start_up.py --rounds 3 --network osnet_x0_25_market1501 --json out.json

The commands run in rounds, one process of each per round. "CPU" is user and system time, which
depends less on other load than the wall time. The search is for one image in an index that is
ready, of some 200 drawn images.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from eval_speed import log, positive

from reid_fusedloss.datasets.pedestrians import write_market1501_layout
from reid_fusedloss.printable import markdown_table

COMMAND = ('-m', 'reid_fusedloss')


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--rounds', type=positive, default=5)
    parser.add_argument('--network', default='mobilenetv2_market1501', help='of the package')
    parser.add_argument('--json', type=Path, help='file to write the results to')
    return parser.parse_args(argv)


def prepare(folder: Path, network: str) -> dict[str, tuple[str, ...]]:
    """Draw images, build the index, and return the arguments of Python for each row."""
    write_market1501_layout(folder / 'images', num_train_ids=1, num_test_ids=8)
    gallery, query = (folder / 'images' / name for name in ('bounding_box_test', 'query'))
    query = min(query.glob('*.jpg'))
    index, found = str(folder / 'index'), str(folder / 'found')
    search = (*COMMAND, 'search', network, '--query', str(query), '--index', index, '--out', found)
    measure((*search, '--gallery', str(gallery)))
    extract = (*COMMAND, 'extract', network, str(query), '--quiet')
    return {
        'import torch': ('-c', 'import torch'),
        'import reid_fusedloss': ('-c', 'import reid_fusedloss'),
        'from reid_fusedloss.functional import evaluate_ranking': (
            '-c',
            'from reid_fusedloss.functional import evaluate_ranking',
        ),
        'reid-fusedloss --help': (*COMMAND, '--help'),
        'reid-fusedloss search --help': (*COMMAND, 'search', '--help'),
        'search, without its arguments': (*COMMAND, 'search'),
        'search for one image, index ready': search,
        'extract of one image': (*extract, '--out', str(folder / 'one.npz')),
    }


def measure(arguments: Sequence[str]) -> tuple[float, float]:
    """Run Python; return wall and CPU seconds.

    Raises:
        RuntimeError: if the process fails in another way than by invalid arguments.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode and 'usage:' not in done.stderr:
        raise RuntimeError(f'{" ".join(arguments)} failed: {done.stderr}')
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    args = parse(argv)
    with tempfile.TemporaryDirectory() as folder:
        commands = prepare(Path(folder), args.network)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for number in range(args.rounds):
            log(f'round {number + 1} of {args.rounds}')
            for name, arguments in commands.items():
                found[name].append(measure(arguments))
    rows = [
        [name, *(f'{take(side):.2f}' for side in zip(*runs) for take in (min, median))]
        for name, runs in found.items()
    ]
    header = ['command', 'wall s (min)', 'median', 'CPU s (min)', 'median']
    print(markdown_table([header, *rows]))
    if args.json:
        args.json.write_text(json.dumps(dict(network=args.network, seconds=found), indent=2))


if __name__ == '__main__':
    main()
