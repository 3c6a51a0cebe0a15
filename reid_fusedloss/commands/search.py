"""Find the people on query images in a gallery of images.

    reid-fusedloss search work_dirs/demo --query who.jpg --gallery photos/ --out found/
    reid-fusedloss search work_dirs/demo --query new/ --gallery photos/ --index photos.index
    reid-fusedloss search work_dirs/demo --query people/ --per-folder --gallery photos/
    reid-fusedloss search demo.onnx --query who.jpg --gallery photos/
    reid-fusedloss search demo.onnx --query who.jpg --gallery photos/ --index http://host:19530
    reid-fusedloss search CONFIG CHECKPOINT --query new/ --index photos.index --fpir 0.01 \\
        --validation features.npz

With --index the gallery is kept on disk, or on a Milvus server: --gallery updates it, and only new
and changed files go through the network. A new --pattern is applied to all of its names.
search.png, search.csv and search.json are written to --out. Frames: blue and solid for the query's
identity, orange and dashed for another, grey if the file names do not tell. Needs faiss: pip
install 'reid_fusedloss[search]', or for a server pip install 'reid_fusedloss[milvus]'; its
credentials are MILVUS_TOKEN, or MILVUS_USER and MILVUS_PASSWORD.

Exit status: 0 done, also if some images were unreadable; 1 no query could be read; 2 invalid
arguments or files.
"""

import argparse

from .arguments import add_key_values, add_trained_model_arguments

INTERMIXED = True
KINDS = ('flat', 'hnsw', 'ivf', 'ivfpq', 'diskann')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trained_model_arguments(parser, exported=True)
    parser.add_argument(
        '--query',
        nargs='+',
        required=True,
        metavar='PATH',
        help='images, folders, globs and list files (.txt) to search for',
    )
    _add_gallery_arguments(parser)
    parser.add_argument('-k', type=int, default=10, help='number of results per query')
    parser.add_argument('--rerank', action='store_true', help='re-rank the first hundred results')
    parser.add_argument(
        '--other-cameras', action='store_true', help="leave out entries of the query's camera"
    )
    _add_threshold_arguments(parser)
    parser.add_argument('--out', default='search', help='folder to write; default: %(default)s')
    parser.add_argument('--num-queries', type=int, default=20, help='rows of the picture')
    parser.add_argument('--batch-size', type=int, default=64)


def _add_gallery_arguments(parser: argparse.ArgumentParser) -> None:
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
        help='search in features of `extract` or of `test --save-features` instead',
    )
    _add_index_arguments(parser)
    parser.add_argument(
        '--prune', action='store_true', help='remove entries whose file no longer exists'
    )
    parser.add_argument('--recursive', action='store_true', help='search subfolders too')
    parser.add_argument(
        '--pattern',
        help='finds identity and camera in file names; '
        'default: that of --index, else as in Market-1501',
    )


def _add_index_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--index',
        metavar='FOLDER|URI',
        help='folder that keeps the gallery, or http://HOST:PORT[#NAME] of a Milvus server',
    )
    parser.add_argument(
        '--kind',
        choices=KINDS,
        help='kind of index; default: that of --index, else flat; diskann: on a Milvus server only',
    )
    add_key_values(parser, '--kind-options', 'nlist=1024 nprobe=32, M=32 ef_search=128, ...')


def _add_threshold_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--threshold',
        type=float,
        metavar='DISTANCE',
        help="results from this distance on are no match; default: the gallery's, if it has one",
    )
    parser.add_argument(
        '--fpir',
        type=float,
        metavar='RATE',
        help='choose the threshold on --validation, and keep it with the gallery: at 0.01 about '
        'one of 100 people who are not in the gallery gets a match',
    )
    parser.add_argument('--fpr', help=argparse.SUPPRESS)  # an older version's flag, refused
    parser.add_argument(
        '--validation',
        metavar='FILE.npz',
        help='features of people not seen in training, by `test --save-features`',
    )
