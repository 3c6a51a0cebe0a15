"""Time the ways of inference_ways.py: on images in memory, and from files."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rounds import CLOCKS, Elapsed, Timing, run_rounds

from reid_fusedloss.apis import FeatureExtractor
from reid_fusedloss.apis.sources import ImageSource, find_paths
from reid_fusedloss.datasets.pedestrians import draw_pedestrian
from reid_fusedloss.printable import markdown_table

COMPARED = 16  # images whose features are compared
IN_TURN = ', images read in turn'
HEAD = ('batch', 'computed by', 'images/s', 'ratio', 'median', '99 %', 'largest difference')


@dataclass
class Latency:
    """The calls of a way at a batch size.

    Attributes:
        batch: images of a call.
        seconds: of each call.
        difference: largest absolute difference of a feature to PyTorch's in float32.
    """

    batch: int
    seconds: list[float]
    difference: float

    @property
    def rate(self) -> float:
        """Images per second, of all calls together."""
        return self.batch * len(self.seconds) / sum(self.seconds)

    def as_dict(self) -> dict[str, float]:
        """Convert for the JSON file."""
        return dict(
            batch=self.batch,
            images_per_second=self.rate,
            median=float(np.median(self.seconds)),
            percentile_99=float(np.percentile(self.seconds, 99)),
            calls=len(self.seconds),
            difference=self.difference,
        )


def time_calls(
    works: Mapping[str, Callable[[], object]], seconds: float, rounds: int, clock: str
) -> dict[str, list[float]]:
    """Measure the seconds of each call; each function runs for a part of `seconds` in each round.

    Every other round goes backwards. At least one call is made in each round, after one that is not
    counted.
    """
    now = CLOCKS[clock]
    found: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    order = list(works)
    for _ in range(rounds):
        for name in order:
            end = time.perf_counter() + seconds / rounds
            while True:
                start = now()
                works[name]()
                found[name].append(now() - start)
                if time.perf_counter() >= end:
                    break
        order.reverse()
    return found


def time_batches(
    ways: Mapping[str, FeatureExtractor],
    samples: Sequence[Mapping],
    batches: Sequence[int],
    seconds: float,
    rounds: int,
    clock: str,
) -> Iterator[dict[str, Latency]]:
    """Time each batch size, from pixels of the network's size to features.

    Args:
        ways: the first one is what the others are compared with.
        samples: of the pipeline, at least as many as the largest batch.
        batches: batch sizes.
        seconds: of each way at each batch size.
        rounds: see `time_calls`.
        clock: 'wall' or 'cpu'.
    """
    features = {name: way.embed(samples[:COMPARED]) for name, way in ways.items()}
    expected = next(iter(features.values()))
    for batch in batches:
        works = {name: partial(way.embed, samples[:batch]) for name, way in ways.items()}
        calls = time_calls(works, seconds, rounds, clock)
        yield {
            name: Latency(batch, calls[name], float(np.abs(features[name] - expected).max()))
            for name in ways
        }


def latency_table(tables: Sequence[Mapping[str, Latency]]) -> str:
    """Write the tables of a network; the ratio is that of images per second to the first way."""
    lines = [HEAD]
    for table in tables:
        first = next(iter(table.values()))
        for name, found in table.items():
            entry = found.as_dict()
            lines.append(
                (
                    str(found.batch),
                    name,
                    f'{found.rate:,.0f}' if found.rate >= 10 else f'{found.rate:.2g}',
                    f'{found.rate / first.rate:.2f}',
                    _milliseconds(entry['median']),
                    _milliseconds(entry['percentile_99']),
                    '-' if found is first else f'{found.difference:.1e}',
                )
            )
    return markdown_table(lines)


def _milliseconds(seconds: float) -> str:
    return f'{1e3 * seconds:,.0f} ms' if seconds >= 0.1 else f'{1e3 * seconds:.3g} ms'


def time_files(
    ways: Mapping[str, FeatureExtractor],
    paths: Sequence[str],
    rounds: int,
    clock: str,
    peers: Mapping[str, Callable[[], Elapsed]] | None = None,
) -> dict[str, Timing]:
    """Time extractions from files to features; the first way also without reading ahead.

    Args:
        ways: the first one is what the others are compared with.
        paths: the files.
        rounds: see `run_rounds`.
        clock: 'wall' or 'cpu'.
        peers: other projects' extractions of the same files, warmed up.
    """
    sources = [ImageSource(path) for path in paths]
    first, plain = next(iter(ways.items()))
    reference = f'{first}{IN_TURN}'
    works: dict[str, Callable] = {reference: lambda: plain(source for source in sources)}
    works |= {name: partial(way, sources) for name, way in ways.items()}
    works |= peers or {}
    timings = {
        name: Timing(name, None if name == reference else reference, len(sources)) for name in works
    }
    for way in ways.values():
        way(sources[: way.batch_size])
    run_rounds(works, timings, rounds, clock=clock)
    return timings


def image_files(folder: Path | None, number: int, scratch: Path) -> list[str]:
    """List the first images of a folder; without one, draw pedestrians of 128x64 as JPEG files."""
    if folder is not None:
        return find_paths([str(folder)])[:number]
    paths = [str(scratch / f'{pid:05d}.jpg') for pid in range(number)]
    for pid, path in enumerate(paths):
        cv2.imwrite(path, draw_pedestrian(pid, pid % 6, 0))
    return paths
