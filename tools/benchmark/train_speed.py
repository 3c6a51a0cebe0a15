#!/usr/bin/env python
"""Time training: losses, the Runner, the data pipeline, and config keys that make it faster.

    python tools/benchmark/train_speed.py losses --peer ../deep-person-reid --peer ../fast-reid
    python tools/benchmark/train_speed.py losses --ids 100000 --sizes 64 1024 --rounds 2
    python tools/benchmark/train_speed.py runner --network r18
    python tools/benchmark/train_speed.py data --dataset market1501 --peer ../deep-person-reid
    python tools/benchmark/train_speed.py keys --network r50 --batch 64

Compared functions run in rounds in one process, one run of each per round, every other round
backwards, after a warm-up run. "ratio" is that of the fastest rounds, "median ratio" the median of
the rounds' ratios, which depends less on other load. A GPU is used if there is one. Parts:

losses   forward and backward of each loss, compared with other projects' and with the bare matrix
         product; extra memory is the peak of the warm-up run above the inputs.
runner   an iteration of MMEngine's Runner with all hooks of the config, compared with a bare loop
         over the same batches in memory, and what an iteration's time is spent on.
data     images per second of the training pipeline, compared with torchreid's on the same files, on
         the CPU.
keys     the Runner with bfloat16, channels-last layout and torch.compile switched on, on a GPU
         float16 too.
"""

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from eval_speed import log, positive
from peers import Peer, find_peers
from report import machine
from rounds import CLOCKS, Timing, images_table, memory_table, peak_of, run_rounds, spans_table
from train_data import Pipelines
from train_keys import KEYS, runner_with
from train_loops import BareLoop, run_epoch, start_runner, time_spans
from train_losses import Case, loss_cases
from train_networks import NETWORKS, MemoryLoader, Network, from_files, read_config

from reid_fusedloss.datasets.free_memory import available_memory

Table = dict[str, Timing]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('part', choices=PARTS)
    parser.add_argument('--rounds', type=positive, default=5)
    parser.add_argument(
        '--clock',
        choices=CLOCKS,
        default='wall',
        help='cpu: CPU seconds of this process, independent of other jobs; without GPU and workers',
    )
    parser.add_argument(
        '--peer',
        type=Path,
        action='append',
        default=[],
        help='checkout of torchreid or FastReID; repeatable',
    )
    parser.add_argument('--json', type=Path, help='file to write the results to')
    parser.add_argument(
        '--device',
        type=torch.device,
        default='cuda' if torch.cuda.is_available() else 'cpu',
        help='of the losses; the Runner chooses its own',
    )
    _add_parts(parser)
    return parser.parse_args(argv)


def _add_parts(parser: argparse.ArgumentParser) -> None:
    losses = parser.add_argument_group('losses')
    losses.add_argument('--sizes', type=positive, nargs='+', default=[64, 256, 1024])
    losses.add_argument('--ids', type=positive, nargs='+', default=[751])
    losses.add_argument('--dim', type=positive, default=2048)
    losses.add_argument(
        '--only', nargs='+', metavar='KIND', help='triplet, circle, class, center; default: all'
    )
    loops = parser.add_argument_group('runner, keys')
    loops.add_argument('--network', choices=NETWORKS, default='r18')
    loops.add_argument('--batch', type=positive, help="a multiple of 4; default: the network's")
    loops.add_argument('--iterations', type=positive, default=4, help='of a round')
    loops.add_argument(
        '--files',
        action='store_true',
        help="also show what an iteration's time is spent on with images from files",
    )
    loops.add_argument(
        '--keys',
        nargs='+',
        choices=KEYS,
        default=list(KEYS),
        metavar='KEY',
        help=f'what to switch on: {", ".join(KEYS)}',
    )
    data = parser.add_argument_group('data, runner --files')
    data.add_argument('--dataset', default='market1501', help='name of a data set config')
    data.add_argument('--images', type=positive, default=768)
    data.add_argument('--workers', type=int, nargs='+', default=[0, 2])


def time_losses(args: argparse.Namespace, peers: Sequence[Peer]) -> Iterator[Table]:
    """Time the losses; a table for each batch size."""
    for size in args.sizes:
        cases = [
            case
            for case in loss_cases([size], args.ids, args.dim, peers)
            if not args.only or set(case.name.split('.')) & set(args.only)
        ]
        timings: Table = {}
        for ours in (case for case in cases if case.reference is None):
            compared = [ours, *(case for case in cases if case.reference == ours.name)]
            timings |= _time_cases(compared, args)
        print(f'\nlosses, {size} samples, C = {args.dim:,}, milliseconds\n')
        print(memory_table(timings), flush=True)
        yield timings


def _time_cases(cases: Sequence[Case], args: argparse.Namespace) -> Table:
    timings, works = {}, {}
    for case in cases:
        log(f'{case.size} samples: {case.title}')
        timing = timings[case.name] = Timing(case.title, case.reference, case.size)
        needed, available = case.bytes_needed(args.dim), available_memory()
        if available is not None and needed > available:
            timing.problem = f'needs about {needed / 2**30:.0f} GiB'
            continue
        work = case.prepare(args.dim, args.device)
        timing.extra_bytes = peak_of(work, args.device)
        works[case.name] = work
    run_rounds(works, timings, args.rounds, args.device, args.clock)
    return timings


def time_runner(args: argparse.Namespace, peers: Sequence[Peer]) -> Iterator[Table]:
    """Time the Runner and a bare loop."""
    network = _network(args)
    with tempfile.TemporaryDirectory() as folder:
        cfg = read_config(network, Path(folder) / 'run')
        loader = MemoryLoader(network, args.iterations)
        runner = start_runner(cfg, loader)
        device = next(runner.model.parameters()).device
        bare = BareLoop(cfg, runner.model, loader, device)
        images = args.iterations * network.batch
        timings = dict(
            bare=Timing('bare loop', None, images),
            runner=Timing("MMEngine's Runner", 'bare', images),
        )
        bare.run_epoch()
        run_rounds(
            dict(bare=bare.run_epoch, runner=partial(run_epoch, runner, loader)),
            timings,
            args.rounds,
            device,
            args.clock,
        )
        _print_iterations(f'{network.title}, batch {network.batch}', timings, args.iterations)
        _print_spans(
            'batches in memory',
            args.iterations,
            [time_spans(runner, loader, device, args.clock) for _ in range(args.rounds)],
        )
        for workers in args.workers if args.files else ():
            batches = from_files(network, args.dataset, workers, args.rounds * args.iterations)
            _print_spans(
                f'{args.dataset}, {workers} workers',
                args.iterations,
                [
                    time_spans(runner, islice(batches, args.iterations), device, args.clock)
                    for _ in range(args.rounds)
                ],
            )
    yield timings


def time_keys(args: argparse.Namespace, peers: Sequence[Peer]) -> Iterator[Table]:
    """Time the Runner with each set of keys, and without."""
    network = _network(args)
    timings, works = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        loader = MemoryLoader(network, args.iterations)
        for name in dict.fromkeys(['float32', *args.keys]):
            log(f'starting: {name}')
            runner = runner_with(name, network, Path(folder) / name.replace(' ', '_'), loader)
            timings[name] = Timing(
                name, None if name == 'float32' else 'float32', args.iterations * network.batch
            )
            works[name] = partial(run_epoch, runner, loader)
        device = next(runner.model.parameters()).device
        run_rounds(works, timings, args.rounds, device, args.clock)
    _print_iterations(f'{network.title}, batch {network.batch}', timings, args.iterations)
    yield timings


def time_data(args: argparse.Namespace, peers: Sequence[Peer]) -> Iterator[Table]:
    """Time the pipelines; a table for each number of workers."""
    for workers in args.workers:
        pipelines = Pipelines(args.dataset, args.images, workers)
        number = len(pipelines.paths)
        works: dict[str, Callable] = {
            'own': pipelines.own(0.0),
            'augmented': pipelines.own(None),
            'cached': pipelines.own(0.0, cached=True),
        }
        timings = {
            'own': Timing('ours, without AutoAugment', 'torchreid', number),
            'augmented': Timing('ours, as configured', 'torchreid', number),
            'cached': Timing('ours, without AutoAugment, decoded in memory', 'torchreid', number),
        }
        for peer in peers:
            if peer.name == 'torchreid':
                works['torchreid'] = pipelines.torchreid(peer)
                timings['torchreid'] = Timing('torchreid', None, number)
        for work in works.values():
            work()
        run_rounds(works, timings, args.rounds, clock=args.clock)
        height, width = pipelines.image
        print(
            f'\n{args.dataset}, {number} images to {height}x{width}, {workers} workers, '
            'milliseconds per image\n'
        )
        print(images_table(timings, 1e3 / number), flush=True)
        yield timings


def _network(args: argparse.Namespace) -> Network:
    network = NETWORKS[args.network]
    return replace(network, batch=args.batch) if args.batch else network


def _print_iterations(title: str, timings: Table, iterations: int) -> None:
    print(f'\n{title}, milliseconds per iteration\n')
    print(images_table(timings, 1e3 / iterations), flush=True)


def _print_spans(title: str, iterations: int, rounds: Sequence[dict[str, float]]) -> None:
    print(f'\nAn iteration, {title}\n\n{spans_table(rounds, iterations)}', flush=True)


PARTS = dict(losses=time_losses, runner=time_runner, data=time_data, keys=time_keys)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse(argv)
    if args.json and not args.json.parent.is_dir():
        raise FileNotFoundError(f'--json {args.json}: there is no folder {args.json.parent}')
    warnings.simplefilter('ignore')
    head = machine()
    if torch.cuda.is_available():
        head['GPU'] = torch.cuda.get_device_name()
    print('\n'.join(f'{key}: {value}' for key, value in head.items()), flush=True)
    tables = [
        {name: timing.as_dict(timings) for name, timing in timings.items()}
        for timings in PARTS[args.part](args, find_peers(args.peer))
    ]
    if args.json:
        args.json.write_text(
            json.dumps(dict(head, part=args.part, command=sys.argv[1:], tables=tables), indent=2)
        )


if __name__ == '__main__':
    main()
