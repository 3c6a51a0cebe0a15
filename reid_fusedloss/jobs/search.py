"""Search a gallery for images."""

import argparse
import os
import sys
from pathlib import Path

from ..apis import Extraction, FeatureExtractor
from ..apis.gallery import PATTERN, model_id
from ..apis.work_list import WorkList
from ..commands import ERROR, STOPPED
from ..evaluation import FeatureSet, load_features
from ..export import open_extractor
from ..interrupts import sigterm_as_interrupt
from ..loading import trust_checkpoints
from ..printable import printable, tell, tell_unreadable
from ..search import Gallery, OpenSetThreshold, Rerank, check_validation, is_milvus
from ..search.report import as_lists, as_text, write_report
from ..search.result import SearchResult
from ..visualization import draw_ranking_lists
from ..visualization.canvas import save_png
from .kept_gallery import open_kept, open_new
from .queries import Queries, folder_queries, image_queries
from .server_gallery import open_on_server

MOST_COLUMNS = 20  # of the picture


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that do not fit together, before a model is loaded."""
    if args.features and args.gallery:
        raise ValueError('--features replaces --gallery: give one of them')
    if args.features and args.index and not os.path.isdir(args.features):
        raise ValueError(
            f'--features must be a folder of `extract` to fill an index, since only a folder '
            f'names its model, got {args.features}'
        )
    if not (args.gallery or args.index or args.features):
        raise ValueError('nothing to search in: give --gallery, --index or --features')
    if args.fpr is not None:
        raise ValueError(
            '--fpr was a rate over pairs of images, at which most strangers may get a match: use '
            '--fpir, the share of strangers who get one'
        )
    if (args.fpir is None) != (args.validation is None):
        raise ValueError('--fpir and --validation must be given together')
    if args.prune and not args.gallery:
        raise ValueError('--prune removes entries that are gone from --gallery: add --gallery')
    if args.threshold is not None:
        if args.fpir is not None:
            raise ValueError('--threshold is given: leave out --fpir and --validation')
        OpenSetThreshold(args.threshold)
    if args.kind_options and not args.kind:
        raise ValueError('--kind-options need --kind')
    if args.k < 1 or args.num_queries < 1:
        raise ValueError(
            f'-k and --num-queries must be at least 1, got {args.k} and {args.num_queries}'
        )


def open_gallery(
    args: argparse.Namespace, inferencer: FeatureExtractor, validation: FeatureSet | None
) -> tuple[Gallery, str | None]:
    """Open and update the gallery; the text is why a kept one could not be saved, or None."""
    index: Gallery
    problem = None
    if not args.index:
        index = open_new(args, inferencer, validation)
    elif is_milvus(args.index):
        index = open_on_server(args, inferencer, validation)
    else:
        index, problem = open_kept(args, inferencer, validation)
    if not len(index):
        raise ValueError('the gallery is empty: there is nothing to search in')
    return index, problem


def run(args: argparse.Namespace) -> int:
    """Search, print and write the results; return 1 if no query could be read."""
    with sigterm_as_interrupt():
        try:
            return search(args)
        except KeyboardInterrupt as stop:
            print(printable(f'stopped{stop}'), file=sys.stderr)
            return STOPPED


def read_validation(args: argparse.Namespace) -> FeatureSet | None:
    """Load the validation set of --fpir, and refuse one on which no threshold can be chosen."""
    if args.fpir is None:
        return None
    features = load_features(args.validation)
    check_validation(features.query, features.gallery, *features.labels, fpir=args.fpir)
    return features


def search(args: argparse.Namespace) -> int:
    """Search with these arguments; the exit status."""
    check(args)
    work = WorkList(args.query, args.recursive or args.per_folder)
    validation = read_validation(args)
    trust_checkpoints(args.trust_checkpoint)
    inferencer = open_extractor(
        args.source,
        args.checkpoint,
        args.device,
        batch_size=args.batch_size,
        options=args.cfg_options,
        backend=args.backend,
    )
    if validation is not None:
        check_width(args.validation, validation.query.shape[1], inferencer.feat_dims)
    index, problem = open_gallery(args, inferencer, validation)
    threshold = index.threshold
    if args.threshold is None and threshold is not None:
        warning = threshold.warning(len(index))
        if warning:
            print(f'warning: {warning}', file=sys.stderr)
    found = inferencer(work.sources(work.stamps))
    tell_unreadable(found.unreadable, 'query')
    if not found.names:
        return 1
    queries = make_queries(args, found, index)
    result = index.search(
        queries.features,
        args.k,
        names=[query.name for query in queries.entries],
        camids=[query.camid for query in queries.entries] if args.other_cameras else None,
        rerank=Rerank() if args.rerank else None,
        threshold=args.threshold,
        model=model_id(inferencer),
    )
    show(args, queries, result, found.unreadable)
    if problem is not None:
        print(printable(f'search: error: {problem}'), file=sys.stderr)
        return ERROR
    return 0


def check_width(path: str, width: int, feat_dims: int) -> None:
    """Refuse features of another width than the model's."""
    if width != feat_dims:
        raise ValueError(
            f"{path} holds features of width {width}, the model's have {feat_dims}: are they of "
            'another model?'
        )


def make_queries(args: argparse.Namespace, found: Extraction, index: Gallery) -> Queries:
    """What is searched for: images, or folders of images."""
    pattern = args.pattern or index.pattern or PATTERN
    if args.per_folder:
        return folder_queries(found, pattern, index, args.other_cameras)
    return image_queries(found, pattern, index)


def show(
    args: argparse.Namespace, queries: Queries, result: SearchResult, unreadable: dict[str, str]
) -> None:
    """Print what was found, and write it as a table and as a picture."""
    lists = as_lists(queries.entries, result, queries.images if args.per_folder else None)
    print(as_text(lists))
    write_report(lists, unreadable, args.out)
    picture = draw_ranking_lists(
        lists, num_queries=args.num_queries, topk=min(args.k, MOST_COLUMNS), order='given'
    )
    save_png(picture, Path(args.out, 'search.png'))
    tell(f'written: {args.out}/search.png, .csv, .json')
