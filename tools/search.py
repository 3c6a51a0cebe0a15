#!/usr/bin/env python
"""Who is this in my gallery? Search for images among those of a gallery.

    python tools/search.py work_dirs/demo --query who.jpg --gallery photos/ --out found/
    python tools/search.py work_dirs/demo --query new/ --gallery photos/ --index photos.index
    python tools/search.py CONFIG CHECKPOINT --query new/ --index photos.index --fpr 1e-3 \
        --validation features.npz

With --index the gallery is kept on the disk: --gallery brings it up to date, only new and changed
files go through the network. --out gets search.png, search.csv and search.json. Frames: blue and
solid for the query's identity, orange and dashed for another, grey where the names of the files do
not tell. Needs faiss: pip install "reid_fusedloss[search]".

Exit status: 0 done, also if some images were unreadable; 1 no query could be read; 2 wrong
arguments or files.
"""
import argparse
import os
import sys
from pathlib import Path

from mmengine.config import DictAction

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.apis.gallery import (PATTERN, gallery_of_features, model_id, parse_labels,
                                         update_gallery)
from reid_fusedloss.engine.arguments import add_trained_model_arguments
from reid_fusedloss.evaluation import load_features
from reid_fusedloss.printable import printable, tell_unreadable
from reid_fusedloss.search import (Entry, GalleryIndex, OpenSetThreshold, Rerank, choose_threshold,
                                   load_index, save_index)
from reid_fusedloss.search.kinds import KINDS, make_kind
from reid_fusedloss.search.report import as_lists, as_text, write_report
from reid_fusedloss.search.storage import MANIFEST
from reid_fusedloss.visualization import draw_ranking_lists
from reid_fusedloss.visualization.canvas import save_png

MOST_COLUMNS = 20  # of the picture


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_trained_model_arguments(parser)
    parser.add_argument('--query', nargs='+', required=True, metavar='PATH',
                        help='images, folders and globs to search for')
    parser.add_argument('--gallery', nargs='+', metavar='PATH',
                        help='images, folders and globs to search in')
    parser.add_argument('--features', metavar='FILE.npz|FOLDER', help='search in features of '
                        'tools/extract_features.py or tools/test.py --save-features, instead')
    parser.add_argument('--index', metavar='FOLDER', help='where the gallery is kept')
    parser.add_argument('--kind', choices=list(KINDS),
                        help='of the index; default: that of --index, else flat')
    parser.add_argument('--kind-options', nargs='+', action=DictAction, default={},
                        metavar='KEY=VALUE', help='nlist=1024 nprobe=32, M=32 ef_search=128, ...')
    parser.add_argument('--prune', action='store_true',
                        help='remove entries whose file is no longer there')
    parser.add_argument('--recursive', action='store_true', help='look into folders of folders')
    parser.add_argument('--pattern', default=PATTERN, help='where the name of a file has identity '
                        'and camera; default: %(default)s')
    parser.add_argument('-k', type=int, default=10, help='how many to find for each query')
    parser.add_argument('--rerank', action='store_true', help='re-rank the first hundred')
    parser.add_argument('--other-cameras', action='store_true',
                        help="leave out entries of the query's camera")
    parser.add_argument('--threshold', type=float, metavar='DISTANCE',
                        help="from which on nobody is known; default: the gallery's, if it has one")
    parser.add_argument('--fpr', type=float, help='choose the threshold of this false positive rate'
                        ' on --validation, and keep it with the gallery')
    parser.add_argument('--validation', metavar='FILE.npz',
                        help='features of people not trained on, by tools/test.py --save-features')
    parser.add_argument('--out', default='search', help='folder to write; default: %(default)s')
    parser.add_argument('--num-queries', type=int, default=20, help='rows of the picture')
    parser.add_argument('--batch-size', type=int, default=64)
    return parser.parse_intermixed_args()


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that do not go together, before there is a model."""
    if args.features and (args.gallery or args.index):
        raise ValueError('--features stands in place of --gallery and --index')
    if not (args.gallery or args.index or args.features):
        raise ValueError('nothing to search in: give --gallery, --index or --features')
    if (args.fpr is None) != (args.validation is None):
        raise ValueError('--fpr and --validation go together')
    if args.threshold is not None:
        if args.fpr is not None:
            raise ValueError('--threshold is given: leave out --fpr and --validation')
        OpenSetThreshold(args.threshold)
    if args.kind_options and not args.kind:
        raise ValueError('--kind-options need --kind')
    if args.k < 1 or args.num_queries < 1:
        raise ValueError('-k and --num-queries are at least 1')


def open_gallery(args: argparse.Namespace, inferencer: ReIDInferencer) -> GalleryIndex:
    """The gallery, brought up to date and saved where it is kept."""
    kind = make_kind(dict(args.kind_options, type=args.kind or 'flat'))
    if args.features:
        index = gallery_of_features(args.features, args.pattern)
        return index if index.kind == kind else index.rebuilt(kind)
    kept = args.index and (not args.gallery or Path(args.index, MANIFEST).exists())
    if kept:
        index = load_index(args.index)
        if args.kind and kind != index.kind:
            index = index.rebuilt(kind)
    else:
        index = GalleryIndex(inferencer.feat_dims, kind, model_id(inferencer))
    if args.gallery:
        update = update_gallery(index, inferencer, args.gallery, pattern=args.pattern,
                                recursive=args.recursive, prune=args.prune)
        tell_unreadable(update.unreadable, 'gallery')
        gone = f', {len(update.gone)} gone' if update.gone else ''
        print(f'gallery: {len(index)} entries; {len(update.added)} added, {len(update.changed)} '
              f'changed{gone}')
    if args.fpr is not None:
        set_threshold(index, args)
    if args.index:
        save_index(index, args.index)
    return index


def set_threshold(index: GalleryIndex, args: argparse.Namespace) -> None:
    """Choose the threshold on the validation set, and say what it means there."""
    features = load_features(args.validation)
    if features.query.shape[1] != index.dims:
        raise ValueError(f'{args.validation} holds features of width {features.query.shape[1]}, '
                         f'the gallery of {index.dims}: are they of another model?')
    index.threshold = choose_threshold(features.query, features.gallery, *features.labels,
                                       fpr=args.fpr)
    chosen = index.threshold
    print(f'threshold {chosen.distance:.4f}: accepts {100 * chosen.tpr:.2f} % of '
          f'{chosen.num_positives} true pairs and at most {chosen.fpr:g} of {chosen.num_negatives} '
          f'false ones')


def search(args: argparse.Namespace) -> int:
    check(args)
    trust_checkpoints(args.trust_checkpoint)
    inferencer = ReIDInferencer(args.source, args.checkpoint, args.device,
                                batch_size=args.batch_size, options=args.cfg_options)
    index = open_gallery(args, inferencer)
    found = inferencer(args.query, recursive=args.recursive)
    tell_unreadable(found.unreadable, 'query')
    if not found.names:
        return 1
    queries = [Entry(os.path.abspath(name), *parse_labels(name, args.pattern))
               for name in found.names]
    result = index.search(
        found.features, args.k, names=[query.name for query in queries],
        camids=[query.camid for query in queries] if args.other_cameras else None,
        rerank=Rerank() if args.rerank else None, threshold=args.threshold,
        model=model_id(inferencer))
    lists = as_lists(queries, result)
    print(as_text(lists))
    write_report(lists, found.unreadable, args.out)
    picture = draw_ranking_lists(lists, num_queries=args.num_queries, topk=min(args.k, MOST_COLUMNS),
                                 order='given')
    save_png(picture, Path(args.out, 'search.png'))
    print(printable(f'written: {args.out}/search.png, .csv, .json'))
    return 0


def main() -> int:
    try:
        return search(parse_args())
    except (OSError, ImportError, FloatingPointError, TypeError, ValueError) as error:
        print(f'{Path(sys.argv[0]).name}: error: {error}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
