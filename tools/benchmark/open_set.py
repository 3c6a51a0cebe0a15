#!/usr/bin/env python
"""Measure whether a chosen threshold reaches the requested FPIR, on features of a test set.

    python tools/benchmark/open_set.py osnet_x0_25_market1501.npz another.npz

For each seed, the identities with queries are split in three: a validation set for
`choose_threshold`; known people, who form the gallery; and strangers, who are searched for but not
in the gallery. Identities without queries (distractors) are divided equally between the validation
gallery and the gallery. A gallery of a given size is drawn from its images at random ('images') or
person by person ('people'), with its share of distractors.

Printed are means over the seeds: the FPIR measured on the strangers (with its lowest and highest
value), the DIR of the known people, and the FPIR of a threshold chosen by the same rate over pairs
of images, as for verification.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from reid_fusedloss.evaluation import FeatureSet, load_features
from reid_fusedloss.functional import TprAtFpr, cosine_distance
from reid_fusedloss.functional.ranking.matching import GalleryMatches
from reid_fusedloss.printable import markdown_table
from reid_fusedloss.search import choose_threshold

COLUMNS = ('features', 'gallery by', 'entries', 'asked', 'measured FPIR', 'DIR', 'FPIR over pairs')
SIZES, RATES, DRAWS = (500, 2000, None), (0.01, 0.1), ('images', 'people')


class Split(NamedTuple):
    """Row numbers of queries and of gallery entries."""

    validation: tuple[np.ndarray, np.ndarray]
    strangers: np.ndarray
    known: np.ndarray
    gallery: np.ndarray


class Measured(NamedTuple):
    """Results of one seed: sizes of gallery and validation gallery, and rates in 0..1."""

    size: int
    validation_size: int
    fpir: float
    dir: float
    fpir_of_pairs: float


def all_distances(features: FeatureSet) -> np.ndarray:
    return cosine_distance(
        torch.from_numpy(features.query), torch.from_numpy(features.gallery)
    ).numpy()


def split(features: FeatureSet, seed: int) -> Split:
    """Divide the identities and the distractors."""
    rng = np.random.default_rng(seed)
    people = rng.permutation(np.unique(features.query_pids))
    validation, known, strangers = np.array_split(people, 3)
    nobody = rng.permutation(np.flatnonzero(~np.isin(features.gallery_pids, people)))
    queries, entries = (
        [np.flatnonzero(np.isin(pids, part)) for part in (validation, known, strangers)]
        for pids in (features.query_pids, features.gallery_pids)
    )
    half = len(nobody) // 2
    return Split(
        (queries[0], np.append(entries[0], nobody[:half])),
        queries[2],
        queries[1],
        np.append(entries[1], nobody[half:]),
    )


def draw(
    features: FeatureSet, entries: np.ndarray, size: int | None, by: str, seed: int
) -> np.ndarray:
    """Draw `size` of the entries, by images or by people; None: all."""
    rng = np.random.default_rng(seed)
    if size is None or size >= len(entries):
        return entries
    if by == 'images':
        return rng.permutation(entries)[:size]
    pids = features.gallery_pids[entries]
    nobody = ~np.isin(pids, features.query_pids)
    chosen = rng.permutation(entries[nobody])[: round(size * nobody.mean())]
    order = rng.permutation(np.unique(pids[~nobody]))
    people = [entries[pids == pid] for pid in order]
    return np.concatenate([chosen, *people])[:size]


def pairs_threshold(
    features: FeatureSet, rows: tuple[np.ndarray, np.ndarray], distances: np.ndarray, rates: tuple
) -> dict[float, float]:
    """Choose thresholds by the false positive rate over all pairs of the validation set."""
    query, gallery = rows
    observer = TprAtFpr(rates)
    observer.update(
        0,
        distances[np.ix_(query, gallery)],
        GalleryMatches(features.query_pids[query], features.gallery_pids[gallery]),
    )
    return observer.thresholds()


def measure(
    features: FeatureSet,
    distances: np.ndarray,
    seed: int,
    sizes: tuple = SIZES,
    rates: tuple = RATES,
    draws: tuple = DRAWS,
) -> Iterator[tuple[tuple, Measured]]:
    """Choose thresholds and measure for one seed; yield (draw, size, rate) with the results."""
    parts = split(features, seed)
    query, entries = parts.validation
    by_pairs = pairs_threshold(features, parts.validation, distances, rates)
    for by in draws:
        for size in sizes:
            if size is None and by != draws[0]:
                continue  # all entries: both draws are equal
            gallery = draw(features, parts.gallery, size, by, seed)
            alarms = distances[np.ix_(parts.strangers, gallery)].min(axis=1)
            for rate in rates:
                chosen = choose_threshold(
                    features.query[query],
                    features.gallery[entries],
                    features.query_pids[query],
                    features.gallery_pids[entries],
                    fpir=rate,
                    gallery_size=len(gallery),
                    gallery_people=count_people(features, gallery),
                )
                yield (
                    (by, size, rate),
                    Measured(
                        len(gallery),
                        len(entries),
                        float(np.mean(alarms < chosen.distance)),
                        found(features, distances, parts.known, gallery, chosen.distance),
                        float(np.mean(alarms < by_pairs[rate])),
                    ),
                )


def count_people(features: FeatureSet, gallery: np.ndarray) -> int:
    """Count the identities, and each distractor as one."""
    pids = features.gallery_pids[gallery]
    known = np.isin(pids, features.query_pids)
    return len(np.unique(pids[known])) + int(np.count_nonzero(~known))


def found(
    features: FeatureSet,
    distances: np.ndarray,
    known: np.ndarray,
    gallery: np.ndarray,
    threshold: float,
) -> float:
    """Share of the known queries with a positive that are identified correctly."""
    rows = distances[np.ix_(known, gallery)]
    own = features.query_pids[known][:, None] == features.gallery_pids[gallery]
    junk = own & False
    if features.query_camids is not None and features.gallery_camids is not None:
        junk = own & (features.query_camids[known][:, None] == features.gallery_camids[gallery])
    rows[junk] = np.inf
    nearest, lines = rows.argmin(axis=1), np.arange(len(rows))
    right = own[lines, nearest] & (rows[lines, nearest] < threshold)
    return float(right[(own & ~junk).any(axis=1)].mean())


def table(results: dict[tuple, list[Measured]]) -> str:
    """Write the means over the seeds as a Markdown table."""
    lines = [COLUMNS]
    for (name, by, size, rate), runs in results.items():
        mean = Measured(*np.mean(runs, axis=0))
        rates = [run.fpir for run in runs]
        entries = by if size is not None else 'all', f'{mean.size:.0f}', f'{rate:.0%}'
        fpir = f'{100 * mean.fpir:.2f} % ({100 * min(rates):.1f} to {100 * max(rates):.1f})'
        others = f'{100 * mean.dir:.1f} %', f'{100 * mean.fpir_of_pairs:.1f} %'
        lines.append((name, *entries, fpir, *others))
    return markdown_table(lines, aligned=False)


def main(argv: list[str] | None = None) -> dict[tuple, list[Measured]]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('features', nargs='+', metavar='FILE.npz')
    parser.add_argument('--seeds', type=int, default=10, help='splits; default: %(default)s')
    args = parser.parse_args(argv)
    results: dict[tuple, list[Any]] = {}
    for path in args.features:
        features = load_features(path)
        distances = all_distances(features)
        for seed in range(args.seeds):
            for key, measured in measure(features, distances, seed):
                results.setdefault((Path(path).stem, *key), []).append(measured)
    print(table(results))
    return results


if __name__ == '__main__':
    main()
