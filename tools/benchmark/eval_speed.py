#!/usr/bin/env python
"""Measure time and memory of ranking, re-ranking and query expansion.

    python tools/benchmark/eval_speed.py --size market
    python tools/benchmark/eval_speed.py --peer ../deep-person-reid --peer ../fast-reid
    python tools/benchmark/eval_speed.py --size msmt17 --repeat 1
    python tools/benchmark/eval_speed.py --features features.npz

This package's stages are timed in one process, in rounds of one run per stage, so that a busy
machine slows all alike. "GEMM" is the bare matrix product of the features, of queries and gallery
or of all N = Q + G images with each other, in blocks that overwrite each other; a ratio below 1 is
possible where each pair is multiplied once. "GEMM share" is the share of a stage's time inside
matrix products; lines with "-" are the package's functions in the fastest run, and the rest of
encode is the local query expansion of re-ranking. Extra memory is the peak of resident memory above
the loaded inputs, of one run in a separate process after a tiny run. Peers are also timed in
separate processes, between the runs of a round.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from classic import classic_rerank
from inputs import SIZES, Inputs, Size, load, parse_size, synthetic, whole_identities
from measure import Spans, timed, timed_with_memory
from peers import find_peers, peer_stages
from report import Row, difference_cells, figures, machine, reference_of, table
from stages import Options, Stage, difference, own_stages

from reid_fusedloss import functional
from reid_fusedloss.datasets.free_memory import available_memory
from reid_fusedloss.functional.backend import BACKENDS


def positive(text: str) -> int:
    """Parse a positive integer, for argparse."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f'must be a positive integer, got {text!r}')
    return int(text)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--size', default='market', help=f'{", ".join(SIZES)} or QxG, drawn features')
    what.add_argument('--features', type=Path, help='.npz file of tools/evaluate_features.py')
    parser.add_argument('--dim', type=positive, default=2048, help='width of drawn features')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--repeat', type=positive, default=3, help='rounds')
    parser.add_argument('--only', nargs='+', metavar='STAGE', help='names of stages; default: all')
    parser.add_argument('--backend', default='auto', choices=BACKENDS)
    parser.add_argument('--chunk-size', type=positive, help='default: that of the package')
    parser.add_argument(
        '--peer',
        type=Path,
        action='append',
        default=[],
        help='checkout of torchreid or FastReID; repeatable',
    )
    parser.add_argument('--peer-repeat', type=positive, default=1, help='rounds with peers')
    parser.add_argument(
        '--check',
        type=int,
        default=2000,
        metavar='N',
        help='compare re-ranking with a dense float64 one on whole identities of '
        'at most N images; 0: no',
    )
    parser.add_argument('--no-memory', action='store_true', help='leave out extra memory')
    parser.add_argument('--json', type=Path, help='file to write the results to')
    parser.add_argument('--stage', help='measure one stage in this process and print JSON')
    parser.add_argument('--compiled', type=Path, help='folder of compiled peers, with --stage')
    return parser.parse_args(argv)


def choose_stages(args: argparse.Namespace, options: Options, folder: Path) -> list[Stage]:
    """List this package's stages and the peers', or those of --only or --stage.

    Raises:
        ValueError: if a name is unknown.
    """
    stages = own_stages(options)
    for peer in find_peers(args.peer):
        stages += peer_stages(peer, options, folder)
    wanted = [args.stage] if args.stage else args.only
    unknown = set(wanted or ()) - {stage.name for stage in stages}
    if unknown:
        raise ValueError(
            f'stages must be among {[stage.name for stage in stages]}, got unknown '
            f'{sorted(unknown)}'
        )
    return [stage for stage in stages if not wanted or stage.name in wanted]


def warm_up(stage: Stage, width: int) -> None:
    """Run a tiny input, so that one-time costs of a process do not count for the stage."""
    stage.run(stage.prepare(synthetic(Size(64, 512, 23, 6), width)))


def measure_alone(stage: Stage, inputs: Inputs) -> dict[str, Any]:
    """Measure time and memory of a single run; of a peer also its figures, or why it fails."""
    try:
        warm_up(stage, inputs.query.shape[1])
        prepared = stage.prepare(inputs)
        result, seconds, extra = timed_with_memory(partial(stage.run, prepared))
        del prepared
        found = stage.judge(inputs, result) if stage.is_peer else {}
    except Exception as error:  # a peer's error is reported
        if not stage.is_peer:
            raise
        return dict(problem=f'does not run: {type(error).__name__}: {error}')
    return dict(seconds=seconds, extra_bytes=extra, figures=found)


def measure_in_child(
    stage: Stage, argv: Sequence[str], options: Options, folder: Path
) -> dict[str, Any]:
    """Run `measure_alone` in a new process."""
    chosen = ['--stage', stage.name, '--compiled', str(folder), '--backend', options.backend]
    command = [sys.executable, __file__, *argv, *chosen]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ['no message'])[-1]
        return dict(problem=f'does not run: exit status {done.returncode}, {reason}')
    return json.loads(done.stdout.splitlines()[-1])


def too_large(stage: Stage, inputs: Inputs) -> str:
    """Say why a stage is skipped; '' if there is enough memory."""
    needed, available = stage.bytes_needed(inputs), available_memory()
    if available is None or needed <= available:
        return ''
    return (
        f'skipped: it needs about {needed / 2**30:,.0f} GiB, {available / 2**30:,.0f} GiB '
        'are available'
    )


def run_here(row: Row, inputs: Inputs) -> None:
    """Run one of the package's stages once more in this process."""
    prepared, spans = row.stage.prepare(inputs), Spans()
    with spans.installed():
        result, seconds = timed(partial(row.stage.run, prepared))
    del prepared
    if not row.seconds:
        row.figures = row.stage.judge(inputs, result)
    if seconds < min(row.seconds, default=np.inf):
        row.parts = spans.stages(seconds)
        row.product_share = spans.share_of_product(seconds)
    row.seconds.append(seconds)
    if row.stage.name.startswith('gemm'):
        row.product_share = 1.0


def take_child(row: Row, found: dict[str, Any]) -> None:
    """Take over the results of a child process; seconds and figures only of a peer."""
    row.problem = found.get('problem', '')
    row.extra_bytes = found.get('extra_bytes')
    if row.stage.is_peer and not row.problem:
        row.seconds.append(found['seconds'])
        row.figures = found['figures']


def run_rounds(
    rows: Sequence[Row],
    inputs: Inputs,
    args: argparse.Namespace,
    in_child: Callable[[Stage], dict[str, Any]],
) -> None:
    """Fill the rows: one run of each stage per round, then each stage's memory."""
    for row in rows:
        row.problem = too_large(row.stage, inputs)
    for number in range(max(args.repeat, args.peer_repeat if args.peer else 0)):
        for row in rows:
            limit = args.peer_repeat if row.stage.is_peer else args.repeat
            if row.problem or number >= limit:
                continue
            log(f'round {number + 1} of {limit}: {row.stage.title}')
            if row.stage.is_peer:
                take_child(row, in_child(row.stage))
            else:
                if not number:
                    warm_up(row.stage, inputs.query.shape[1])
                run_here(row, inputs)
    for row in rows:
        if not (row.stage.is_peer or row.problem or args.no_memory):
            log(f'memory: {row.stage.title}')
            take_child(row, in_child(row.stage))


def check(inputs: Inputs, limit: int, options: Options) -> dict[str, Any]:
    """Compare this package's re-ranking with the dense one, on whole identities."""
    part = whole_identities(inputs, limit)
    log(f'check: {part.describe()}')
    ours = functional.k_reciprocal_rerank(part.query, part.gallery, **options.as_dict()).numpy()
    dense = classic_rerank(part.query, part.gallery)
    return dict(images=part.num_images, **difference(ours, dense))


def log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    args = parse(argv)
    if args.json and not args.json.parent.is_dir():
        raise FileNotFoundError(f'--json {args.json}: there is no folder {args.json.parent}')
    drawn = None if args.features else synthetic(parse_size(args.size), args.dim, args.seed)
    inputs = drawn or load(args.features)
    options = Options.choose(args.backend, args.chunk_size)
    if args.stage:
        (stage,) = choose_stages(args, options, args.compiled or Path())
        print(json.dumps(measure_alone(stage, inputs)))
        return
    head = dict(machine(options), features=f'{args.features or args.size}: {inputs.describe()}')
    print('\n'.join(f'{key}: {value}' for key, value in head.items()), flush=True)
    with tempfile.TemporaryDirectory() as name:
        rows = [Row(stage) for stage in choose_stages(args, options, Path(name))]
        for peer in find_peers(args.peer):
            peer.compile(Path(name))
        in_child = partial(measure_in_child, argv=argv, options=options, folder=Path(name))
        run_rounds(rows, inputs, args, in_child)
    print('', table(rows), '', sep='\n')
    if any(row.figures for row in rows):
        print(figures(rows), '', sep='\n')
    problems = [f'{row.stage.title}: {row.problem}' for row in rows if row.problem]
    if problems:
        print(*problems, '', sep='\n')
    found = check(inputs, args.check, options) if args.check else {}
    if found:
        print(
            f're-ranking against dense float64 on {found["images"]:,} images: largest '
            'difference {}, entries more than 1e-5 apart {}'.format(*difference_cells(found))
        )
    if args.json:
        stages = [row.as_dict(reference_of(row, rows)) for row in rows]
        args.json.write_text(json.dumps(dict(head, check=found, stages=stages), indent=2))


if __name__ == '__main__':
    main()
