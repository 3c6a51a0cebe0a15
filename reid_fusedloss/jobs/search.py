"""Search a gallery for images."""
import argparse
import os
import sys
from pathlib import Path
from typing import Optional

from ..apis import FeatureExtractor
from ..apis.gallery import PATTERN, model_id, parse_labels
from ..apis.work_list import WorkList
from ..commands import ERROR, STOPPED
from ..compat import trust_checkpoints
from ..evaluation import load_features
from ..export import open_extractor
from ..interrupts import sigterm_as_interrupt
from ..printable import printable, tell_unreadable
from ..search import Entry, GalleryIndex, OpenSetThreshold, Rerank, choose_threshold
from ..search.entries import labelled_like
from ..search.report import as_lists, as_text, write_report
from ..visualization import draw_ranking_lists
from ..visualization.canvas import save_png
from .kept_gallery import open_kept, open_new

MOST_COLUMNS = 20  # of the picture


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that do not go together, before there is a model."""
    if args.features and args.gallery:
        raise ValueError('--features stands in place of --gallery')
    if args.features and args.index and not os.path.isdir(args.features):
        raise ValueError(f'--features {args.features}: an index is made of a folder of `extract`, '
                         'which tells the model')
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
                 chosen: Optional[OpenSetThreshold]) -> tuple[GalleryIndex, Optional[str]]:
    """The gallery, brought up to date, and what kept it from being saved where it is kept."""
    problem = None
    if args.index:
        index, problem = open_kept(args, inferencer, chosen)
    else:
        index = open_new(args, inferencer, chosen)
    if not len(index):
        raise ValueError('the gallery is empty: there is nothing to search in')
    return index, problem


def run(args: argparse.Namespace) -> int:
    """Search, print what was found and write it; 1 if no query could be read."""
    with sigterm_as_interrupt():
        try:
            return search(args)
        except KeyboardInterrupt as stop:
            print(printable(f'stopped{stop}'), file=sys.stderr)
            return STOPPED


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
    """Search with these arguments; the exit status."""
    check(args)
    work = WorkList(args.query, args.recursive)
    chosen, width = choose(args)
    trust_checkpoints(args.trust_checkpoint)
    inferencer = open_extractor(args.source, args.checkpoint, args.device,
                                batch_size=args.batch_size, options=args.cfg_options)
    if width not in (None, inferencer.feat_dims):
        raise ValueError(f'{args.validation} holds features of width {width}, the model makes such '
                         f'of width {inferencer.feat_dims}: are they of another model?')
    index, problem = open_gallery(args, inferencer, chosen)
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
    if problem is not None:
        print(printable(f'search: error: {problem}'), file=sys.stderr)
        return ERROR
    return 0
