"""Extract features of images with a trained model: folders, list files, boxes of a video.

    reid-fusedloss extract work_dirs/demo photos/ --out features/
    reid-fusedloss extract CONFIG CHECKPOINT list.txt --out features.npz
    reid-fusedloss extract work_dirs/demo street.mp4 --boxes tracks.txt --out street/
    reid-fusedloss extract work_dirs/demo --query query/ --gallery test/ --out test.npz

A folder is written shard by shard: after a stop the same command continues, and later it extracts
new and changed images. A file (.npz) is written at the end. load_extraction reads both. With
--query and --gallery the file can be given to `evaluate`.

Exit status: 0 done, also if some images were unreadable; 1 no image could be read; 2 invalid
arguments or files; 130 stopped.
"""

import argparse
from pathlib import Path

from .arguments import add_trained_model_arguments

INTERMIXED = True
MARKET1501 = r'(?P<pid>-?\d+)_c(?P<camid>\d+)'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trained_model_arguments(parser, checkpoint=False, exported=True)
    parser.add_argument(
        'inputs',
        nargs='*',
        metavar='[CHECKPOINT] INPUT',
        help='checkpoint: required with a config, else the latest of the work_dir; '
        'inputs: images, folders, globs, list files (.txt), or one video',
    )
    parser.add_argument('--out', required=True, type=Path, metavar='FOLDER|FILE.npz')
    parser.add_argument(
        '--boxes',
        metavar='FILE',
        help='boxes of a video: lines frame, id, x, y, w, h, as in MOTChallenge',
    )
    parser.add_argument('--query', metavar='FOLDER', help='instead of INPUT: the queries ...')
    parser.add_argument('--gallery', metavar='FOLDER', help='... and their gallery')
    parser.add_argument(
        '--pattern',
        default=MARKET1501,
        metavar='REGEX',
        help='finds (?P<pid>) and (?P<camid>) in the file names of both; default: '
        'as in Market-1501, 0002_c1s1_000451_03.jpg',
    )
    parser.add_argument('--recursive', action='store_true', help='search subfolders too')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument(
        '--num-workers',
        type=int,
        default=0,
        help='processes that load images; default: only this one',
    )
    parser.add_argument('--shard-size', type=int, default=4096, help='images per file of a folder')
    parser.add_argument(
        '--flip', action='store_true', help='average the features of an image and its mirror image'
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision: faster, less exact')
    parser.add_argument(
        '--raw', action='store_true', help='do not scale the features to unit length'
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
