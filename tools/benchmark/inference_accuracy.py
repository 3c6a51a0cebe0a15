"""R1 and mAP of a network on Market-1501 in each way of inference_ways.py."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reid_fusedloss.apis import Extraction, FeatureExtractor
from reid_fusedloss.apis.labels import label_names, parse_labels
from reid_fusedloss.apis.sources import find_paths
from reid_fusedloss.evaluation import load_features
from reid_fusedloss.evaluation.embeddings_file import save_features
from reid_fusedloss.functional import evaluate_ranking
from reid_fusedloss.printable import markdown_table

FOLDERS = ('query', 'bounding_box_test')
HEAD = ('computed by', 'R1', 'mAP', 'to PyTorch', 'largest difference', 'images/s')


def market_files(root: Path, identities: int | None) -> list[list[str]]:
    """List queries and gallery; with a limit those of the first identities, without distractors."""
    parts = [find_paths([str(root / folder)]) for folder in FOLDERS]
    if identities is None:
        return parts
    pids = sorted({str(parse_labels(path)[0]) for path in parts[0]})[:identities]
    return [[path for path in part if parse_labels(path)[0] in pids] for part in parts]


def evaluate(
    ways: Mapping[str, FeatureExtractor], parts: Sequence[Sequence[str]]
) -> Iterator[dict]:
    """Yield the figures of each way; the first one is what the others are compared with."""
    expected: list[Extraction] = []
    for name, way in ways.items():
        start = time.perf_counter()
        found = [way(list(part)) for part in parts]
        seconds = time.perf_counter() - start
        expected = expected or found
        difference = max(
            float(np.abs(own.features - its.features).max()) for own, its in zip(found, expected)
        )
        yield dict(
            way=name,
            difference=difference,
            images_per_second=sum(map(len, found)) / seconds,
            **_figures(*found),
        )


def _figures(query: Extraction, gallery: Extraction) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'features.npz'
        save_features(path, label_names(query, gallery))
        features = load_features(path)
    return evaluate_ranking(features.query, features.gallery, *features.labels, topk=(1,))


def accuracy_table(rows: Sequence[Mapping]) -> str:
    """Write the rows of `evaluate`."""
    lines = [
        (
            row['way'],
            f'{row["R1"]:.2f}',
            f'{row["mAP"]:.2f}',
            f'{row["mAP"] - rows[0]["mAP"]:+.2f}',
            f'{row["difference"]:.1e}',
            f'{row["images_per_second"]:,.0f}',
        )
        for row in rows
    ]
    return markdown_table([HEAD, *lines])
