"""Features for tests, and the slow and plain way to search in them."""

import sys

import numpy as np

from tests.calling import load_tool


def unit(features):
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def draw(count, dims=12, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dims)).astype(np.float32)


def naive_search(queries, gallery, k, allowed=lambda query, row: True):
    """Per query (distance, row), by a loop in float64, nearest first, equal ones by row."""
    found = []
    for number, query in enumerate(queries.astype(np.float64)):
        pairs = []
        for row, entry in enumerate(gallery.astype(np.float64)):
            if allowed(number, row):
                cosine = query @ entry / np.sqrt((query @ query) * (entry @ entry))
                pairs.append((1 - cosine, row))
        found.append(sorted(pairs)[:k])
    return found


def rows_of(result):
    return [[hit.row for hit in hits] for hits in result.hits]


def start(tiny_run, monkeypatch, *arguments):
    """Exit status of tools/search.py with the tiny model."""
    monkeypatch.setattr(
        sys,
        'argv',
        [
            'search.py',
            str(tiny_run / 'config.py'),
            str(tiny_run / 'weights.pth'),
            '--device',
            'cpu',
            *map(str, arguments),
        ],
    )
    return load_tool('search').main()
