"""Serve the page."""
import argparse
import sys
from pathlib import Path

from ..compat import trust_checkpoints
from ..apis import ReIDInferencer
from ..apis.gallery import PATTERN, model_id, update_gallery
from ..printable import printable, tell_unreadable
from ..search import GalleryIndex, load_index
from ..web import Answers, serve
from ..web.page import import_gradio



def open_gallery(args: argparse.Namespace, inferencer: ReIDInferencer) -> GalleryIndex:
    """The gallery of the arguments; it says what is missing."""
    if not args.index:
        index = GalleryIndex(inferencer.feat_dims, model=model_id(inferencer))
        update = update_gallery(index, inferencer, args.gallery, pattern=args.pattern or PATTERN,
                                recursive=args.recursive)
        tell_unreadable(update.unreadable, 'gallery')
        return index
    index = load_index(args.index)
    missing = [entry.name for entry in index.entries if not Path(entry.name).is_file()]
    if missing:
        print(printable(f'{len(missing)} of {len(index)} entries have no file here, such as '
                        f'{missing[0]}: they are shown without a picture'))
    return index


def run(args: argparse.Namespace) -> None:
    import_gradio()  # if it is missing, say so before features are computed
    trust_checkpoints(args.trust_checkpoint)
    inferencer = ReIDInferencer(args.source, args.checkpoint, args.device,
                                options=args.cfg_options)
    index = open_gallery(args, inferencer)
    if index.threshold is not None and index.threshold.warning(len(index)):
        print(f'warning: {index.threshold.warning(len(index))}', file=sys.stderr)
    inferencer.progress = False
    serve(Answers(inferencer, index), args.port, args.host)
