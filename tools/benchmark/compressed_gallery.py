#!/usr/bin/env python
"""Measure the recall of compressed features, to plan a gallery that does not fit into memory.

    python tools/benchmark/compressed_gallery.py --size 100000

Each code is searched exhaustively by faiss, so what is lost is lost by the compression alone; lists
and graphs come on top (search_speed.py). Features, queries and recall are those of search_speed.py.
'of 100': the exact first ten, found among the first 100 of the codes: what remains after the first
100 are compared again by their full features, as a search with re-ranking does.
"""

import argparse

import numpy as np
import torch
from measure import timed
from search_speed import DrawnGallery, exact_neighbours

from reid_fusedloss.printable import markdown_table
from reid_fusedloss.search.faiss_library import load_faiss

CODES = ('Flat', 'SQfp16', 'SQ8', 'PQ128np', 'PQ64np')  # np: no polysemous training
QUERIES = 200
TRAINING = 10_240  # features; more than faiss asks for
ENTRIES = 100_000_000  # for which memory is computed


def measure(code: str, features: np.ndarray, queries: np.ndarray, exact: np.ndarray) -> list[str]:
    """Return a row of the table for one code of faiss's index factory."""
    faiss = load_faiss()
    index = faiss.index_factory(features.shape[1], code, faiss.METRIC_INNER_PRODUCT)
    seconds = timed(lambda: (index.train(features[:TRAINING]), index.add(features)))[1]
    _, rows = index.search(queries, 100)
    first = (rows[:, 0] == exact[:, 0]).mean()
    ten, hundred = (
        np.mean([len(np.intersect1d(found[:most], true)) / 10 for found, true in zip(rows, exact)])
        for most in (10, 100)
    )
    size = index.sa_code_size()
    figures = [f'{first:.3f}', f'{ten:.3f}', f'{hundred:.3f}', f'{seconds:.0f}']
    return [code, str(size), f'{size * ENTRIES / 1e9:.0f}', *figures]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--size', type=int, default=100_000, help='entries')
    parser.add_argument('--dims', type=int, default=512)
    parser.add_argument('--codes', nargs='+', default=CODES, choices=CODES)
    args = parser.parse_args()
    gallery = DrawnGallery('identities', args.size, args.size, args.dims)
    (features,) = gallery.parts()
    queries = gallery.queries(QUERIES, args.size)
    exact = exact_neighbours(gallery, queries, args.size)
    head = ['code', 'bytes', 'GB for 1e8', 'recall@1', 'recall@10', 'of 100', 'build s']
    rows = [head]
    for code in args.codes:
        rows.append(measure(code, features, queries, exact))
        print(*rows[-1], flush=True)
    print(f'\n{args.size} entries, {torch.get_num_threads()} threads\n')
    print(markdown_table(rows, aligned=False))


if __name__ == '__main__':
    main()
