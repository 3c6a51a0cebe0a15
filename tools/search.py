#!/usr/bin/env python
"""Who is this in my gallery? Search for images among those of a gallery.

    python tools/search.py work_dirs/demo --query who.jpg --gallery photos/ --out found/
    python tools/search.py work_dirs/demo --query new/ --gallery photos/ --index photos.index
    python tools/search.py demo.onnx --query who.jpg --gallery photos/
    python tools/search.py CONFIG CHECKPOINT --query new/ --index photos.index --fpr 1e-3 \
        --validation features.npz

With --index the gallery is kept on the disk: --gallery brings it up to date, only new and changed
files go through the network. Another --pattern than before is applied to all of its names. --out
gets search.png, search.csv and search.json. Frames: blue and solid for the query's identity, orange
and dashed for another, grey where the names of the files do not tell. Needs faiss:
pip install -e ".[search]".

Exit status: 0 done, also if some images were unreadable; 1 no query could be read; 2 wrong
arguments or files.
"""
import argparse
import os
import sys
from pathlib import Path
from typing import Any, Optional

from mmengine.config import DictAction

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.apis import FeatureExtractor
from reid_fusedloss.apis.gallery import (PATTERN, gallery_of_features, model_id, parse_labels,
                                         relabel, update_gallery)
from reid_fusedloss.apis.work_list import WorkList
from reid_fusedloss.engine.arguments import add_trained_model_arguments
from reid_fusedloss.evaluation import load_features
from reid_fusedloss.export import open_extractor
from reid_fusedloss.printable import printable, tell_unreadable
from reid_fusedloss.search import (Entry, GalleryIndex, OpenSetThreshold, Rerank, choose_threshold,
                                   load_index, save_index)
from reid_fusedloss.search.build import adjusted, is_same_build
from reid_fusedloss.search.entries import labelled_like
from reid_fusedloss.search.kinds import KINDS
from reid_fusedloss.search.report import as_lists, as_text, write_report
from reid_fusedloss.search.storage import MANIFEST
from reid_fusedloss.visualization import draw_ranking_lists
from reid_fusedloss.visualization.canvas import save_png

MOST_COLUMNS = 20  # of the picture


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_trained_model_arguments(parser, exported=True)
    parser.add_argument('--query', nargs='+', required=True, metavar='PATH',
                        help='images, folders, globs and list files (.txt) to search for')
    parser.add_argument('--gallery', nargs='+', metavar='PATH',
                        help='images, folders, globs and list files (.txt) to search in')
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
    parser.add_argument('--pattern', help='where the name of a file has identity and camera; '
                        f'default: that of --index, else {PATTERN}')
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
    if args.prune and not args.gallery:
        raise ValueError('--prune removes entries that are gone from --gallery: name it')
    if args.threshold is not None:
        if args.fpr is not None:
            raise ValueError('--threshold is given: leave out --fpr and --validation')
        OpenSetThreshold(args.threshold)
    if args.kind_options and not args.kind:
        raise ValueError('--kind-options need --kind')
    if args.k < 1 or args.num_queries < 1:
        raise ValueError('-k and --num-queries are at least 1')


def open_gallery(args: argparse.Namespace, inferencer: FeatureExtractor,
                 chosen: Optional[OpenSetThreshold]) -> GalleryIndex:
    """The gallery, brought up to date and saved where it is kept."""
    asked = dict(args.kind_options, type=args.kind or 'flat')
    if args.features:
        index = in_kind(gallery_of_features(args.features, args.pattern or PATTERN), asked)
    elif args.index and (not args.gallery or Path(args.index, MANIFEST).exists()):
        index = load_index(args.index)
        index = in_kind(index, asked) if args.kind else index
        if args.pattern is not None:
            relabel(index, args.pattern)
    else:
        index = GalleryIndex(inferencer.feat_dims, asked, model_id(inferencer))
    index.check_model(model_id(inferencer))
    if chosen is not None:
        index.threshold = chosen
    if args.gallery:
        update = update_gallery(index, inferencer, args.gallery, pattern=args.pattern,
                                recursive=args.recursive, prune=args.prune)
        tell_unreadable(update.unreadable, 'gallery')
        hint = '' if args.prune else ' (--prune removes them)'
        gone = f', {len(update.gone)} gone{hint}' if update.gone else ''
        print(f'gallery: {len(index)} entries; {len(update.added)} added, {len(update.changed)} '
              f'changed{gone}')
    if args.index:
        save_index(index, args.index)
    if not len(index):
        raise ValueError('the gallery is empty: there is nothing to search in')
    return index


def in_kind(index: GalleryIndex, asked: dict[str, Any]) -> GalleryIndex:
    """The index as it is asked for; it is built anew only where numbers of the build differ."""
    kind = adjusted(index.kind, asked)
    if not is_same_build(kind, index.kind):
        return index.rebuilt(kind)
    index.kind = kind
    return index


def choose(args: argparse.Namespace) -> tuple[Optional[OpenSetThreshold], Optional[int]]:
    """The threshold of --fpr on the validation set, and the width of its features."""
    if args.fpr is None:
        return None, None
    features = load_features(args.validation)
    chosen = choose_threshold(features.query, features.gallery, *features.labels, fpr=args.fpr)
    print(f'threshold {chosen.distance:.4f}: accepts {100 * chosen.tpr:.2f} % of '
          f'{chosen.num_positives} true pairs and at most {chosen.fpr:g} of {chosen.num_negatives} '
          f'false ones')
    return chosen, features.query.shape[1]


def search(args: argparse.Namespace) -> int:
    check(args)
    work = WorkList(args.query, args.recursive)
    chosen, width = choose(args)
    trust_checkpoints(args.trust_checkpoint)
    inferencer = open_extractor(args.source, args.checkpoint, args.device,
                                batch_size=args.batch_size, options=args.cfg_options)
    if width not in (None, inferencer.feat_dims):
        raise ValueError(f'{args.validation} holds features of width {width}, the model makes such '
                         f'of width {inferencer.feat_dims}: are they of another model?')
    index = open_gallery(args, inferencer, chosen)
    found = inferencer(work.sources(work.stamps))
    tell_unreadable(found.unreadable, 'query')
    if not found.names:
        return 1
    pattern = args.pattern or index.pattern or PATTERN
    queries = labelled_like([Entry(os.path.abspath(name), *parse_labels(name, pattern))
                             for name in found.names], index.entries)
    result = index.search(
        found.features, args.k, names=[query.name for query in queries],
        camids=[query.camid for query in queries] if args.other_cameras else None,
        rerank=Rerank() if args.rerank else None, threshold=args.threshold,
        model=model_id(inferencer))
    lists = as_lists(queries, result)
    print(as_text(lists))
    write_report(lists, found.unreadable, args.out)
    picture = draw_ranking_lists(lists, num_queries=args.num_queries,
                                 topk=min(args.k, MOST_COLUMNS),
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
