#!/usr/bin/env python
"""Features of images with a trained model: of folders, list files, or the boxes of a video.

    python tools/extract_features.py work_dirs/demo photos/ --out features/
    python tools/extract_features.py CONFIG CHECKPOINT list.txt --out features.npz
    python tools/extract_features.py work_dirs/demo street.mp4 --boxes tracks.txt --out street/
    python tools/extract_features.py work_dirs/demo --query query/ --gallery test/ --out test.npz

A folder is written shard by shard: after a stop the same command goes on, and later it extracts
what is new or has changed. A file (.npz) is written at the end. load_extraction reads both. With
--query and --gallery the file is one that tools/evaluate_features.py takes.

Exit status: 0 done, also if some images were unreadable; 1 not one could be read; 2 wrong arguments
or files; 130 stopped.
"""
import argparse
import sys
from pathlib import Path
from typing import Optional

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.apis.extract_files import (Summary, extract_query_gallery, extract_to_file,
                                               extract_to_folder)
from reid_fusedloss.apis.query_gallery import MARKET1501
from reid_fusedloss.apis.work_list import work_list
from reid_fusedloss.datasets.file_names import compile_pattern
from reid_fusedloss.engine.arguments import add_trained_model_arguments
from reid_fusedloss.export import open_extractor
from reid_fusedloss.export.open_extractor import is_exported
from reid_fusedloss.printable import printable, tell_unreadable

WEIGHTS = ('.pth', '.pt', '.ckpt', '.tar')
OTHER_FILES = ('.npy', '.pkl', '.pickle', '.h5', '.hdf5', '.csv', '.json', '.txt', *WEIGHTS)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_trained_model_arguments(parser, checkpoint=False, exported=True)
    parser.add_argument('inputs', nargs='*', metavar='[CHECKPOINT] INPUT',
                        help='checkpoint: needed with a config, else the latest of the work_dir; '
                        'inputs: images, folders, globs, list files (.txt), or one video')
    parser.add_argument('--out', required=True, type=Path, metavar='FOLDER|FILE.npz')
    parser.add_argument('--boxes', metavar='FILE',
                        help='of a video: lines frame, id, x, y, w, h, as in MOTChallenge')
    parser.add_argument('--query', metavar='FOLDER', help='instead of INPUT: the queries ...')
    parser.add_argument('--gallery', metavar='FOLDER', help='... and what they are looked for in')
    parser.add_argument('--pattern', default=MARKET1501, metavar='REGEX',
                        help='finds (?P<pid>) and (?P<camid>) in the file names of both; default: '
                        'as in Market-1501, 0002_c1s1_000451_03.jpg')
    parser.add_argument('--recursive', action='store_true', help='look into folders of folders')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--num-workers', type=int, default=0,
                        help='processes that load images; default: none but this one')
    parser.add_argument('--shard-size', type=int, default=4096, help='images in a file of a folder')
    parser.add_argument('--flip', action='store_true',
                        help='average the features of an image and its mirror image')
    parser.add_argument('--amp', action='store_true', help='mixed precision: faster, coarser')
    parser.add_argument('--raw', action='store_true', help='leave the length of features as it is')
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    return parser.parse_intermixed_args()


def split_checkpoint(source: str, inputs: list[str]) -> tuple[Optional[str], list[str]]:
    """The checkpoint, if the first input is one, and the other inputs."""
    if not inputs or is_exported(source):
        return None, inputs
    first, *others = inputs
    if Path(source).is_file() and Path(first).is_dir():
        raise ValueError(f'{source} is a config: the second argument is the checkpoint, but '
                         f'{first} is a folder')
    if not (Path(source).is_file() or first.lower().endswith(WEIGHTS)):
        return None, inputs
    return first, others


def is_file(out: Path) -> bool:
    """Whether features go to a file, not to a folder."""
    return out.suffix.lower() == '.npz' and not out.is_dir()


def check(args: argparse.Namespace, inputs: list[str]) -> None:
    """Refuse arguments that do not go together."""
    if args.out.suffix.lower() in OTHER_FILES and not args.out.is_dir():
        raise ValueError(f'--out {args.out}: features are written to a folder or an .npz file')
    roles = [args.query, args.gallery]
    if not any(roles) and not inputs:
        raise ValueError(f'no images among {args.inputs}: name them after the work_dir, or after '
                         'the checkpoint')
    if any(roles) and (not all(roles) or inputs or args.boxes or not is_file(args.out)):
        raise ValueError('--query and --gallery go together, without other inputs, to --out '
                         'FILE.npz')


def extract(args: argparse.Namespace) -> Summary:
    checkpoint, inputs = split_checkpoint(args.source, args.inputs)
    trust_checkpoints(args.trust_checkpoint)
    check(args, inputs)
    if args.query:
        compile_pattern(args.pattern)
        works = [work_list([folder], None, args.recursive) for folder in (args.query, args.gallery)]
    else:
        works = [work_list(inputs, args.boxes, args.recursive)]
    inferencer = open_extractor(
        args.source, checkpoint, args.device, batch_size=args.batch_size,
        num_workers=args.num_workers, progress=not args.quiet, normalize=not args.raw,
        flip=args.flip, amp=args.amp, options=args.cfg_options)
    if args.query:
        return extract_query_gallery(inferencer, *works, args.out, args.pattern)
    if is_file(args.out):
        return extract_to_file(inferencer, *works, args.out)
    return extract_to_folder(inferencer, *works, args.out, args.shard_size,
                             lambda line: print(printable(line)))


def main() -> int:
    args = parse_args()
    try:
        summary = extract(args)
    except KeyboardInterrupt:
        print('Stopped; the same command goes on' if not is_file(args.out) else 'Stopped')
        return 130
    except (OSError, ImportError, FloatingPointError, TypeError, ValueError) as error:
        print(f'{Path(sys.argv[0]).name}: error: {error}', file=sys.stderr)
        return 2
    tell_unreadable(summary.unreadable)
    print(printable(f'{args.out}: {summary}'))
    return 0 if summary.images or not summary.unreadable else 1


if __name__ == '__main__':
    sys.exit(main())
