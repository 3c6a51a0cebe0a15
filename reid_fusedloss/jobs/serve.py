"""Serve the web page."""

import argparse
import sys
from pathlib import Path

from ..apis import FeatureExtractor
from ..apis.gallery import PATTERN, model_id, update_gallery
from ..export import open_extractor
from ..loading import trust_checkpoints
from ..printable import tell, tell_unreadable
from ..search import Gallery, GalleryIndex, is_milvus, load_index, open_milvus
from ..web import Answers, serve
from ..web.address import check_address
from ..web.page import import_gradio


def open_gallery(args: argparse.Namespace, inferencer: FeatureExtractor) -> Gallery:
    """Build or load the gallery, and print which files are missing."""
    if not args.index:
        index = GalleryIndex(inferencer.feat_dims, model=model_id(inferencer))
        update = update_gallery(
            index,
            inferencer,
            args.gallery,
            pattern=args.pattern or PATTERN,
            recursive=args.recursive,
        )
        tell_unreadable(update.unreadable, 'gallery')
        return index
    if is_milvus(args.index):
        return open_milvus(args.index, model=model_id(inferencer))
    index = load_index(args.index)
    missing = [entry.name for entry in index.entries if not Path(entry.name).is_file()]
    if missing:
        tell(
            f'{len(missing)} of {len(index)} entries have no file here, such as {missing[0]}: '
            'they are shown without a picture'
        )
    return index


def run(args: argparse.Namespace) -> None:
    """Open model and gallery, and serve the page until it is stopped."""
    import_gradio()  # fails before features are computed if it is missing
    check_address(args.host, args.port)
    trust_checkpoints(args.trust_checkpoint)
    inferencer = open_extractor(
        args.source, args.checkpoint, args.device, options=args.cfg_options, backend=args.backend
    )
    index = open_gallery(args, inferencer)
    warning = '' if index.threshold is None else index.threshold.warning(len(index))
    if warning:
        print(f'warning: {warning}', file=sys.stderr)
    inferencer.progress = False
    folder = None if index.on_server else args.index
    serve(Answers(inferencer, index, folder), args.port, args.host)
