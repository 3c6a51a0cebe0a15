#!/usr/bin/env python
"""Draw the same queries under two models, from the ranking lists that two tests left.

    python tools/visualize_ranking.py work_dirs/baseline/test work_dirs/fused/test out.png

No model is needed. Frames: blue and solid for the query's identity, orange and dashed for another.
"""
import argparse
from pathlib import Path

from reid_fusedloss.visualization import load_ranking_lists
from reid_fusedloss.visualization.panels import distinct_names
from reid_fusedloss.visualization.ranking_comparison import ORDERS, save_ranking_comparison


def find_lists(path: str) -> Path:
    """The file of ranking lists that a path stands for: itself, or the plain one of a work_dir.

    Raises:
        FileNotFoundError: if there is none.
    """
    for file in (Path(path), Path(path, 'ranking_lists', 'reid.json')):
        if file.is_file():
            return file
    raise FileNotFoundError(f'no ranking lists at {path}, nor at ranking_lists/reid.json in it: '
                            'run tools/test.py, which writes them')


def run_folder(path: str) -> Path:
    """The folder that a run is known by: above its lists and its test."""
    folder = Path(path).resolve()
    if folder.parent.name == 'ranking_lists':
        folder = folder.parents[1]
    return folder.parent if folder.name.startswith('test') else folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('first', help='test of the baseline: its work_dir, or a JSON file of '
                        'ranking lists')
    parser.add_argument('second', help='the other model, over the same test set')
    parser.add_argument('out', help='picture to write, .png')
    parser.add_argument('--names', nargs=2, metavar='NAME', help='default: from the paths')
    parser.add_argument('--order', choices=[order for order in ORDERS if order != 'ids'],
                        default='gain', help='which queries: those with the largest gain in AP, '
                        'those with the largest loss, or spread evenly between both')
    parser.add_argument('--ids', nargs='+', metavar='PID', help='identities to show, instead')
    parser.add_argument('--num-queries', type=int, default=4)
    parser.add_argument('--topk', type=int, default=10, help='gallery images a row')
    parser.add_argument('--width', type=int, default=1200, help='in pixels, about')
    parser.add_argument('--data-root', default='', help='prepended to relative image paths')
    args = parser.parse_args()
    files = [find_lists(path) for path in (args.first, args.second)]
    names = args.names or distinct_names([run_folder(args.first), run_folder(args.second)])
    path = save_ranking_comparison(
        *map(load_ranking_lists, files), args.out, names=tuple(names),
        num_queries=args.num_queries, topk=args.topk, order='ids' if args.ids else args.order,
        pids=args.ids or (), width=args.width, data_root=args.data_root)
    print(f'drawn: {path}')


if __name__ == '__main__':
    main()
