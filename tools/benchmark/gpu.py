#!/usr/bin/env python
"""Time ranking, re-ranking and query expansion on a GPU against the CPU, and compare the results.

    python tools/benchmark/gpu.py --sizes market msmt17
    python tools/benchmark/gpu.py --sizes 200x1000 --dim 64 --device cpu      # a rehearsal
    python tools/benchmark/gpu.py --features features.npz

Features are drawn as in eval_speed.py, and lie on the device before the clock starts. Seconds are
the shortest of the rounds, to the end of the work of the device, results on the CPU. "memory" is
the peak of the device's memory above the features. The CPU runs once; --no-cpu leaves it out, and
with it the differences: of the figures in percent, and the largest of the re-ranked distances.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from eval_speed import log, positive
from inputs import SIZES, Inputs, load, parse_size, synthetic
from measure import timed
from report import machine
from rounds import peak_of, wait
from stages import EXPANSION, FIGURES

from reid_fusedloss import functional
from reid_fusedloss.printable import markdown_table

Pair = tuple[torch.Tensor, torch.Tensor]
COLUMNS = ('size', 'stage', 'device', 'CPU', 'memory', 'mAP', 'difference to the CPU')
MATRIX = 2**32  # bytes up to which the re-ranked distances of two devices are compared


@dataclass(frozen=True)
class Found:
    """Result of a stage on a device: seconds, peak of memory in bytes or None, figures."""

    seconds: float
    memory: int | None
    figures: dict[str, float]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--sizes', nargs='+', default=['market'], help=f'{", ".join(SIZES)} or QxG')
    parser.add_argument('--features', type=Path, help='.npz file, instead of --sizes')
    parser.add_argument('--dim', type=positive, default=2048, help='width of drawn features')
    parser.add_argument('--device', type=torch.device, default=torch.device('cuda'))
    parser.add_argument('--rounds', type=positive, default=3)
    parser.add_argument('--chunk-size', type=positive, default=256)
    parser.add_argument('--no-cpu', action='store_true', help='leave out the CPU')
    parser.add_argument('--json', type=Path, help='file to write the results to')
    return parser.parse_args(argv)


def stages(inputs: Inputs, chunk_size: int) -> dict[str, Callable[[Pair], dict[str, float]]]:
    """Functions of query and gallery features that return figures in percent."""

    def rank(pair: Pair, **options: Any) -> dict[str, float]:
        found = functional.evaluate_ranking(*pair, *inputs.labels, chunk_size=chunk_size, **options)
        return {name: found[name] for name in FIGURES[:3]}

    return {
        'ranking': rank,
        're-ranking': lambda pair: rank(pair, rerank={}),
        'query expansion': lambda pair: rank(pair, query_expansion=EXPANSION),
    }


def run(
    stage: Callable[[Pair], dict[str, float]], pair: Pair, rounds: int, measured: bool
) -> Found:
    """Time a stage; memory is that of a run before, which warms up, too."""
    device = pair[0].device

    def work() -> dict[str, float]:
        figures = stage(pair)
        wait(device)
        return figures

    memory = peak_of(work, device) if measured and device.type == 'cuda' else None
    runs = [timed(work) for _ in range(rounds)]
    return Found(min(seconds for _, seconds in runs), memory, runs[0][0])


def largest_difference(inputs: Inputs, pairs: Sequence[Pair], chunk_size: int) -> float | None:
    """Compare the re-ranked distances of two devices; None if they take too much memory."""
    if 4 * inputs.num_pairs > MATRIX:
        return None
    ours, theirs = (functional.k_reciprocal_rerank(*pair, chunk_size=chunk_size) for pair in pairs)
    return float(ours.sub_(theirs).abs_().max())


def compare(name: str, inputs: Inputs, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Run all stages of a size on the device and on the CPU."""
    plain = torch.from_numpy(inputs.query), torch.from_numpy(inputs.gallery)
    there = plain[0].to(args.device), plain[1].to(args.device)
    rows = []
    for title, stage in stages(inputs, args.chunk_size).items():
        log(f'{name}: {title}')
        found = run(stage, there, args.rounds, True)
        row: dict[str, Any] = dict(size=name, stage=title, **asdict(found), cpu=None, apart=None)
        if not args.no_cpu:
            cpu = run(stage, plain, 1, False)
            apart = max(abs(cpu.figures[key] - found.figures[key]) for key in cpu.figures)
            row.update(cpu=cpu.seconds, apart=apart)
        rows.append(row)
    if not args.no_cpu:
        rows[1]['distances_apart'] = largest_difference(inputs, (there, plain), args.chunk_size)
    return rows


def cells(row: dict[str, Any]) -> list[str]:
    """Make a line of the table."""
    apart = '-' if row['apart'] is None else f'{row["apart"]:.1e} %'
    if row.get('distances_apart') is not None:
        apart += f', distances {row["distances_apart"]:.1e}'
    return [
        row['size'],
        row['stage'],
        f'{row["seconds"]:.3f} s',
        '-' if row['cpu'] is None else f'{row["cpu"]:.3f} s',
        '-' if row['memory'] is None else f'{row["memory"] / 2**30:.2f} GiB',
        f'{row["figures"]["mAP"]:.2f}',
        apart,
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark.

    Raises:
        ValueError: if the device is a GPU, and PyTorch sees none.
    """
    args = parse(argv)
    if args.device.type == 'cuda' and not torch.cuda.is_available():
        raise ValueError('PyTorch sees no GPU here: rehearse with --device cpu')
    head = machine()
    if args.device.type == 'cuda':
        head['GPU'] = torch.cuda.get_device_name(args.device)
    print('\n'.join(f'{key}: {value}' for key, value in head.items()), flush=True)
    rows = []
    for name in [str(args.features)] if args.features else args.sizes:
        inputs = load(args.features) if args.features else synthetic(parse_size(name), args.dim)
        print(f'{name}: {inputs.describe()}', flush=True)
        rows += compare(name, inputs, args)
    print('', markdown_table([COLUMNS, *map(cells, rows)]), sep='\n')
    if args.json:
        args.json.write_text(json.dumps(dict(head, rows=rows), indent=2))


if __name__ == '__main__':
    main()
