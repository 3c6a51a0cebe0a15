"""Scenarios in which `search` changes an index on disk."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from reid_fusedloss.evaluation import FeatureSet
from reid_fusedloss.jobs.kept_gallery import open_kept
from reid_fusedloss.search import load_index

from .scenarios import MODEL, Scenario, feature_of, write_images

VALIDATION = np.stack([feature_of(bytes([number])) for number in range(24)])
PEOPLE = np.arange(24) // 2


def search(folder: Path, *, threshold: bool = False, **arguments: Any) -> None:
    """Do what `search --index index --gallery photos --prune` does before it searches."""
    given: dict[str, Any] = dict(
        index=str(folder / 'index'),
        gallery=[str(folder / 'photos')],
        features=None,
        kind=None,
        kind_options={},
        pattern=None,
        recursive=False,
        prune=True,
        fpir=0.25,
    )
    _, problem = open_kept(
        argparse.Namespace(**given | arguments),
        MODEL,
        FeatureSet(VALIDATION[::2], VALIDATION[1::2], PEOPLE[::2], PEOPLE[1::2])
        if threshold
        else None,
    )
    if problem is not None:
        raise OSError(problem)


def result(folder: Path) -> Any:
    """Read the index: entries, features, kind, threshold and pattern."""
    index, left = load_index(folder / 'index'), left_over(folder / 'index')
    assert not left, f'left over: {left}'
    entries = [(Path(entry.name).name, entry.pid, entry.camid) for entry in index.entries]
    return entries, index.features().tobytes(), index.kind, index.threshold, index.pattern


def left_over(index: Path) -> set[str]:
    """Names of the files in an index's folder that are not part of it."""
    manifest = json.loads((index / 'manifest.json').read_text())
    named = {'manifest.json', '.lock', *(facts['file'] for facts in manifest['files'].values())}
    return {path.name for path in index.iterdir()} - named


def first(folder: Path) -> None:
    """Write nine images, without an index."""
    write_images(folder / 'photos', 0, 9)


def changed(folder: Path) -> None:
    """Make an index, then change, remove and add images."""
    first(folder)
    search(folder)
    write_images(folder / 'photos', 3, 5, version=1)
    for number in (0, 7):
        next((folder / 'photos').glob(f'*_{number}.png')).unlink()
    write_images(folder / 'photos', 9, 12)


def built(folder: Path) -> None:
    """Make an index that is up to date."""
    first(folder)
    search(folder)


SCENARIOS = {
    'first': Scenario(first, search, result),
    'changed': Scenario(changed, search, result),
    'threshold': Scenario(built, lambda folder: search(folder, threshold=True), result),
    'kind': Scenario(
        built, lambda folder: search(folder, kind='ivf', kind_options=dict(nlist=2)), result
    ),
}
