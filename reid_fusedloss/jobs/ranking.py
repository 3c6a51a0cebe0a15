"""Draw the same queries under two models."""

import argparse
from pathlib import Path

from ..printable import tell
from ..visualization import load_ranking_lists
from ..visualization.panels import distinct_names
from ..visualization.ranking_comparison import save_ranking_comparison


def find_lists(path: str) -> Path:
    """Return the file of ranking lists at a path: the path, or the plain lists of a work_dir.

    Raises:
        FileNotFoundError: if there is none.
    """
    for file in (Path(path), Path(path, 'ranking_lists', 'reid.json')):
        if file.is_file():
            return file
    raise FileNotFoundError(
        f'no ranking lists at {path}, nor at ranking_lists/reid.json in it: '
        'run `reid-fusedloss test`, which writes them'
    )


def run_folder(path: str) -> Path:
    """Return the folder that names a run: above its lists and its test."""
    folder = Path(path).resolve()
    if folder.parent.name == 'ranking_lists':
        folder = folder.parents[1]
    return folder.parent if folder.name.startswith('test') else folder


def run(args: argparse.Namespace) -> None:
    """Draw the picture, and print where it is."""
    first, second = (load_ranking_lists(find_lists(path)) for path in (args.first, args.second))
    names = args.names or distinct_names([run_folder(args.first), run_folder(args.second)])
    which = dict(num_queries=args.num_queries, order='ids' if args.ids else args.order)
    size = dict(topk=args.topk, width=args.width, data_root=args.data_root)
    path = save_ranking_comparison(
        first, second, args.out, names=tuple(names), pids=args.ids or (), **which, **size
    )
    tell(f'drawn: {path}')
