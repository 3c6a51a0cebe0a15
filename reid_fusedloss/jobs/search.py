"""Search a gallery for images."""
import argparse
import os
import sys
from pathlib import Path
from typing import Any, Optional


from ..apis import FeatureExtractor
from ..apis.gallery import (PATTERN, gallery_of_features, model_id, parse_labels,
                                         relabel, update_gallery)
from ..apis.work_list import WorkList
from ..evaluation import FeatureSet, load_features
from ..export import open_extractor
from ..loading import trust_checkpoints
from ..printable import tell, tell_unreadable
from ..search import (Entry, GalleryIndex, OpenSetThreshold, Rerank, check_validation,
                      choose_threshold, load_index, save_index)
from ..search.build import adjusted, is_same_build
from ..search.entries import labelled_like
from ..search.report import as_lists, as_text, write_report
from ..search.storage import MANIFEST
from ..visualization import draw_ranking_lists
from ..visualization.canvas import save_png

MOST_COLUMNS = 20  # of the picture


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that do not go together, before there is a model."""
    if args.features and (args.gallery or args.index):
        raise ValueError('--features stands in place of --gallery and --index')
    if not (args.gallery or args.index or args.features):
        raise ValueError('nothing to search in: give --gallery, --index or --features')
    if args.fpr is not None:
        raise ValueError('--fpr was a rate over pairs of images, at which most strangers may be '
                         'taken for somebody: use --fpir, the share of strangers who may be')
    if (args.fpir is None) != (args.validation is None):
        raise ValueError('--fpir and --validation go together')
    if args.prune and not args.gallery:
        raise ValueError('--prune removes entries that are gone from --gallery: name it')
    if args.threshold is not None:
        if args.fpir is not None:
            raise ValueError('--threshold is given: leave out --fpir and --validation')
        OpenSetThreshold(args.threshold)
    if args.kind_options and not args.kind:
        raise ValueError('--kind-options need --kind')
    if args.k < 1 or args.num_queries < 1:
        raise ValueError('-k and --num-queries are at least 1')


def open_gallery(args: argparse.Namespace, inferencer: FeatureExtractor,
                 validation: Optional[FeatureSet]) -> GalleryIndex:
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
    if args.gallery:
        update = update_gallery(index, inferencer, args.gallery, pattern=args.pattern,
                                recursive=args.recursive, prune=args.prune)
        tell_unreadable(update.unreadable, 'gallery')
        hint = '' if args.prune else ' (--prune removes them)'
        gone = f', {len(update.gone)} gone{hint}' if update.gone else ''
        print(f'gallery: {len(index)} entries; {len(update.added)} added, {len(update.changed)} '
              f'changed{gone}')
    try:
        if validation is not None and len(index):
            choose(index, validation, args.fpir)
    finally:  # where no threshold can be chosen, the features are kept all the same
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


def read_validation(args: argparse.Namespace) -> Optional[FeatureSet]:
    """The validation set of --fpir, refused where no threshold can be chosen on it."""
    if args.fpir is None:
        return None
    features = load_features(args.validation)
    check_validation(features.query, features.gallery, *features.labels, fpir=args.fpir)
    return features


def choose(index: GalleryIndex, validation: FeatureSet, fpir: float) -> None:
    """Give the gallery a threshold for its present size."""
    index.threshold = choose_threshold(validation.query, validation.gallery, *validation.labels,
                                       fpir=fpir, gallery_size=len(index),
                                       gallery_people=count_people(index), model=index.model)
    print(index.threshold.describe())


def count_people(index: GalleryIndex) -> Optional[int]:
    """Identities of the gallery, an entry without one counted as one; None: it has no identity."""
    pids = [entry.pid for entry in index.entries]
    known = {pid for pid in pids if pid is not None}
    return len(known) + pids.count(None) if known else None


def run(args: argparse.Namespace) -> int:
    """Search, print what was found and write it; 1 if no query could be read."""
    check(args)
    work = WorkList(args.query, args.recursive)
    validation = read_validation(args)
    trust_checkpoints(args.trust_checkpoint)
    inferencer = open_extractor(args.source, args.checkpoint, args.device,
                                batch_size=args.batch_size, options=args.cfg_options)
    if validation is not None and validation.query.shape[1] != inferencer.feat_dims:
        raise ValueError(f'{args.validation} holds features of width {validation.query.shape[1]}, '
                         f'the model makes such of width {inferencer.feat_dims}: are they of '
                         'another model?')
    index = open_gallery(args, inferencer, validation)
    if args.threshold is None and index.threshold is not None:
        warning = index.threshold.warning(len(index))
        if warning:
            print(f'warning: {warning}', file=sys.stderr)
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
    tell(f'written: {args.out}/search.png, .csv, .json')
    return 0
