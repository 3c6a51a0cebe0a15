#!/usr/bin/env python
"""Time the features of images: PyTorch, ONNX Runtime and OpenVINO, in float32 and less.

    python tools/benchmark/inference_speed.py network
    python tools/benchmark/inference_speed.py network --int8-file osnet_x0_25=osnet_int8.onnx
    python tools/benchmark/inference_speed.py files --images data/market1501/query
    python tools/benchmark/inference_speed.py evaluate --root data/market1501 --limit 100
    python tools/benchmark/inference_speed.py peers --images data/market1501/query \\
        --weights osnet_x0_25_market1501.pth --peer torchreid=python,../deep-person-reid \\
        --peer fastreid=python,../fast-reid --peer boxmot=boxmot/bin/python --peer reid=python

MobileNetV2 and OSNet x0.25 are the package's trained networks, ResNet-50 has random weights. All of
it runs on the CPU, with as many threads as PyTorch has (OMP_NUM_THREADS). Ways are timed in rounds,
every other round backwards, so that other load on the machine slows all of them alike. Parts:

network   images per second and latency at several batch sizes, from pixels of the network's size
          to features of unit length. "ratio" is that of images per second to PyTorch's in float32.
          The difference of features is the largest of 16 drawn pedestrians.
files     images per second from files to features, with the pipeline. The first line reads images
          and runs the network in turn; in the others a thread reads the next batch meanwhile.
evaluate  R1 and mAP on Market-1501, with the differences of all features. --limit N takes the
          images of the first N identities without distractors; all images take minutes.
peers     as files, beside other projects with the same weights: torchreid's of OSNet x0.25
          (--weights). A project runs in a process of an interpreter that has what it needs:
          torchreid and FastReID from a checkout, the others installed ("boxmot[onnx]", "reid").
          All read 64 images at a time; the second table says how far features are from ours.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from eval_speed import log, positive
from inference_accuracy import accuracy_table, evaluate, market_files
from inference_peers import Place, agreement, agreement_table, published, start_peers
from inference_runs import image_files, latency_table, time_batches, time_files
from inference_ways import NETWORKS, RUNTIMES, TORCH, WAYS, draw_samples, open_ways
from mmengine.logging import MMLogger
from peer_driver import PEERS
from report import machine
from rounds import CLOCKS, images_table

import reid_fusedloss.components  # noqa: F401

DEFAULTS = dict(network=list(NETWORKS), files=['osnet_x0_25'], evaluate=['osnet_x0_25'], peers=[])


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('part', choices=PARTS)
    parser.add_argument(
        '--networks',
        nargs='+',
        choices=NETWORKS,
        help='default: all, for files and evaluate osnet_x0_25',
    )
    parser.add_argument(
        '--ways', nargs='+', choices=WAYS, default=list(WAYS), help='PyTorch is always among them'
    )
    parser.add_argument(
        '--int8-file',
        action='append',
        default=[],
        type=_int8_file,
        metavar='NETWORK=FILE.onnx',
        help='int8 file of a network, timed in both runtimes; repeatable',
    )
    parser.add_argument('--rounds', type=positive, default=3)
    parser.add_argument(
        '--clock',
        choices=CLOCKS,
        default='wall',
        help='cpu: CPU seconds of this process, independent of other jobs',
    )
    parser.add_argument('--json', type=Path, help='file to write the results to')
    network = parser.add_argument_group('network')
    network.add_argument('--batches', type=positive, nargs='+', default=[1, 16, 64])
    network.add_argument(
        '--seconds', type=float, default=1.5, help='of each way at each batch size'
    )
    files = parser.add_argument_group('files and peers')
    files.add_argument('--images', type=Path, help='folder; default: drawn pedestrians')
    files.add_argument('--number', type=positive, default=1024, help='of images')
    accuracy = parser.add_argument_group('evaluate')
    accuracy.add_argument('--root', type=Path, default=os.environ.get('MARKET1501_ROOT'))
    accuracy.add_argument('--limit', type=positive, help='identities; default: all images')
    peers = parser.add_argument_group('peers')
    peers.add_argument(
        '--peer',
        action='append',
        default=[],
        type=Place.parse,
        metavar='NAME=PYTHON[,CHECKOUT]',
        help=f'NAME one of {", ".join(PEERS)}; repeatable',
    )
    peers.add_argument('--weights', type=Path, help="torchreid's file of OSNet x0.25, Market-1501")
    return parser.parse_args(argv)


def _int8_file(text: str) -> tuple[str, Path]:
    name, _, path = text.partition('=')
    if name not in NETWORKS or not Path(path).is_file():
        raise argparse.ArgumentTypeError(
            f'must be NETWORK=FILE.onnx, NETWORK one of {", ".join(NETWORKS)}, got {text!r}'
        )
    return name, Path(path)


def opened(args: argparse.Namespace, name: str, folder: Path) -> dict[str, Any]:
    """Open a network in all ways."""
    log(f'opening {NETWORKS[name].title}')
    files = [path for network, path in args.int8_file if network == name]
    int8 = {'int8' if len(files) == 1 else f'int8 {path.stem}': path for path in files}
    return dict(open_ways(NETWORKS[name], folder, args.ways, int8))


def time_network(args: argparse.Namespace, folder: Path) -> Iterator[dict]:
    """Time the networks on images in memory."""
    for name in args.networks:
        ways = opened(args, name, folder)
        plain = ways[TORCH]
        samples = draw_samples(plain, max(*args.batches, 16))
        tables = []
        for table in time_batches(
            ways, samples, args.batches, args.seconds, args.rounds, args.clock
        ):
            log(f'{NETWORKS[name].title}: batches of {next(iter(table.values())).batch} are timed')
            tables.append(table)
        height, width = plain.image_size
        print(f'\n{NETWORKS[name].title}, {height}x{width}\n\n{latency_table(tables)}', flush=True)
        for table in tables:
            yield dict(network=name, ways={way: found.as_dict() for way, found in table.items()})


def time_from_files(args: argparse.Namespace, folder: Path) -> Iterator[dict]:
    """Time the networks on files."""
    paths = image_files(args.images, args.number, folder)
    for name in args.networks:
        timings = time_files(opened(args, name, folder), paths, args.rounds, args.clock)
        print(f'\n{NETWORKS[name].title}, {len(paths)} files, milliseconds per image\n')
        print(images_table(timings, 1e3 / len(paths)), flush=True)
        yield dict(
            network=name, ways={way: timing.as_dict(timings) for way, timing in timings.items()}
        )


def measure_accuracy(args: argparse.Namespace, folder: Path) -> Iterator[dict]:
    """Evaluate the networks on Market-1501."""
    if args.root is None:
        raise ValueError('evaluate needs Market-1501: give --root, or set MARKET1501_ROOT')
    parts = market_files(args.root, args.limit)
    for name in args.networks:
        rows = []
        for row in evaluate(opened(args, name, folder), parts):
            log(f'{NETWORKS[name].title}: {row["way"]} is evaluated')
            rows.append(row)
        numbers = ' queries, '.join(f'{len(part):,}' for part in parts)
        print(f'\n{NETWORKS[name].title}, {numbers} gallery images\n\n{accuracy_table(rows)}')
        yield dict(network=name, ways=rows)


def time_beside_peers(args: argparse.Namespace, folder: Path) -> Iterator[dict]:
    """Time torchreid's network on files, in this package and in other projects."""
    if args.weights is None or not args.weights.is_file():
        raise FileNotFoundError(f'peers needs --weights, the file of OSNet x0.25: {args.weights}')
    paths = image_files(args.images, args.number, folder)
    network = published(args.weights)
    log(f'opening {network.title}')
    ways = dict(open_ways(network, folder, args.ways))
    with start_peers(args.peer, args.weights, paths, folder) as peers:
        runs = {name: partial(peer.run, args.clock) for name, peer in peers.items()}
        timings = time_files(ways, paths, args.rounds, args.clock, runs)
        features = {name: way(paths).features for name, way in ways.items()}
        features |= {name: peer.features for name, peer in peers.items()}
    found = agreement(features)
    print('', *(f'{name}: {peer.versions}' for name, peer in peers.items()), sep='\n')
    print(f'\n{network.title}, {len(paths)} files, milliseconds per image\n')
    print(images_table(timings, 1e3 / len(paths)))
    print(f'\nFeatures beside those of {TORCH}\n\n{agreement_table(found)}', flush=True)
    yield dict(
        network=network.title,
        ways={
            name: timing.as_dict(timings) | found.get(name, {}) for name, timing in timings.items()
        },
    )


PARTS = dict(
    network=time_network, files=time_from_files, evaluate=measure_accuracy, peers=time_beside_peers
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a part of the benchmark."""
    args = parse(argv)
    args.networks = args.networks or DEFAULTS[args.part]
    if args.json and not args.json.parent.is_dir():
        raise FileNotFoundError(f'--json {args.json}: there is no folder {args.json.parent}')
    warnings.simplefilter('ignore')
    MMLogger.get_instance('benchmark', log_level='ERROR')
    head = machine()
    versions = [f'{name} {import_module(name).__version__}' for name in RUNTIMES.values()]
    head['versions'] += f', {", ".join(versions)}'
    print('\n'.join(f'{key}: {value}' for key, value in head.items()), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tables = list(PARTS[args.part](args, Path(folder)))
    if args.json:
        args.json.write_text(
            json.dumps(dict(head, part=args.part, command=sys.argv[1:], tables=tables), indent=2)
        )


if __name__ == '__main__':
    main()
