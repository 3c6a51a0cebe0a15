#!/usr/bin/env python
"""A page in the browser: drop an image, see who of a gallery it is.

    python tools/serve.py work_dirs/demo --gallery data/synthetic/bounding_box_test
    python tools/serve.py CONFIG CHECKPOINT --index FOLDER --port 7861

It is served to this machine alone and asks nothing of any other. --index is a gallery that
tools/search.py keeps. Needs gradio and faiss: pip install -e ".[search,web]".

Exit status: 0 ended by Ctrl-C; 2 wrong arguments or files.
"""
import argparse
import sys
from pathlib import Path

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.apis.gallery import PATTERN, model_id, update_gallery
from reid_fusedloss.engine.arguments import add_trained_model_arguments
from reid_fusedloss.printable import printable, tell_unreadable
from reid_fusedloss.search import GalleryIndex, load_index
from reid_fusedloss.web import Answers, serve
from reid_fusedloss.web.page import import_gradio


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_trained_model_arguments(parser)
    gallery = parser.add_mutually_exclusive_group(required=True)
    gallery.add_argument('--gallery', nargs='+', metavar='PATH',
                         help='images, folders and globs, whose features are computed now')
    gallery.add_argument('--index', metavar='FOLDER', help='a gallery of tools/search.py')
    parser.add_argument('--pattern', default=PATTERN, help='where the name of a file in --gallery '
                        'has identity and camera; default: %(default)s')
    parser.add_argument('--recursive', action='store_true', help='look into folders of folders')
    parser.add_argument('--port', type=int, default=7860, help='0: a free one')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on; default: this '
                        'machine alone')
    return parser.parse_intermixed_args()


def open_gallery(args: argparse.Namespace, inferencer: ReIDInferencer) -> GalleryIndex:
    """The gallery of the arguments; it says what is missing."""
    if not args.index:
        index = GalleryIndex(inferencer.feat_dims, model=model_id(inferencer))
        update = update_gallery(index, inferencer, args.gallery, pattern=args.pattern,
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
    inferencer.progress = False
    serve(Answers(inferencer, index), args.port, args.host)


def main() -> int:
    try:
        run(parse_args())
    except (OSError, ImportError, FloatingPointError, TypeError, ValueError) as error:
        print(f'{Path(sys.argv[0]).name}: error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
