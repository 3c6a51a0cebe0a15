"""Who is this in my gallery? Search for images among those of a gallery.

    reid-fusedloss search work_dirs/demo --query who.jpg --gallery photos/ --out found/
    reid-fusedloss search work_dirs/demo --query new/ --gallery photos/ --index photos.index
    reid-fusedloss search work_dirs/demo --query people/ --per-folder --gallery photos/
    reid-fusedloss search demo.onnx --query who.jpg --gallery photos/
    reid-fusedloss search CONFIG CHECKPOINT --query new/ --index photos.index --fpir 0.01 \\
        --validation features.npz

With --index the gallery is kept on the disk: --gallery brings it up to date, only new and changed
files go through the network. Another --pattern than before is applied to all of its names. --out
gets search.png, search.csv and search.json. Frames: blue and solid for the query's identity, orange
and dashed for another, grey where the names of the files do not tell. Needs faiss:
pip install 'reid_fusedloss[search]'.

Exit status: 0 done, also if some images were unreadable; 1 no query could be read; 2 wrong
arguments or files.
"""

import argparse

from .arguments import KeyValues, add_trained_model_arguments

INTERMIXED = True
KINDS = ('flat', 'hnsw', 'ivf', 'ivfpq')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `reid-fusedloss search`."""
    add_trained_model_arguments(parser, exported=True)
    parser.add_argument(
        '--query',
        nargs='+',
        required=True,
        metavar='PATH',
        help='images, folders, globs and list files (.txt) to search for',
    )
    parser.add_argument(
        '--per-folder',
        action='store_true',
        help='all images of a folder are of one person and make one query; looks into the folders '
        'of --query too',
    )
    parser.add_argument(
        '--gallery',
        nargs='+',
        metavar='PATH',
        help='images, folders, globs and list files (.txt) to search in',
    )
    parser.add_argument(
        '--features',
        metavar='FILE.npz|FOLDER',
        help='search in features of `extract` or of `test --save-features`, instead',
    )
    parser.add_argument('--index', metavar='FOLDER', help='where the gallery is kept')
    parser.add_argument(
        '--kind', choices=KINDS, help='of the index; default: that of --index, else flat'
    )
    parser.add_argument(
        '--kind-options',
        nargs='+',
        action=KeyValues,
        default={},
        metavar='KEY=VALUE',
        help='nlist=1024 nprobe=32, M=32 ef_search=128, ...',
    )
    parser.add_argument(
        '--prune', action='store_true', help='remove entries whose file is no longer there'
    )
    parser.add_argument('--recursive', action='store_true', help='look into folders of folders')
    parser.add_argument(
        '--pattern',
        help='where the name of a file has identity and camera; '
        'default: that of --index, else as in Market-1501',
    )
    parser.add_argument('-k', type=int, default=10, help='how many to find for each query')
    parser.add_argument('--rerank', action='store_true', help='re-rank the first hundred')
    parser.add_argument(
        '--other-cameras', action='store_true', help="leave out entries of the query's camera"
    )
    parser.add_argument(
        '--threshold',
        type=float,
        metavar='DISTANCE',
        help="from which on nobody is known; default: the gallery's, if it has one",
    )
    parser.add_argument(
        '--fpir',
        type=float,
        metavar='RATE',
        help='choose the threshold on '
        '--validation, and keep it with the gallery: of 100 people who are not in '
        'it, 0.01 lets about one be taken for somebody who is',
    )
    parser.add_argument('--fpr', help=argparse.SUPPRESS)  # of an older version: refused
    parser.add_argument(
        '--validation',
        metavar='FILE.npz',
        help='features of people not trained on, by `test --save-features`',
    )
    parser.add_argument('--out', default='search', help='folder to write; default: %(default)s')
    parser.add_argument('--num-queries', type=int, default=20, help='rows of the picture')
    parser.add_argument('--batch-size', type=int, default=64)
