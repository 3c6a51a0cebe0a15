#!/usr/bin/env python
"""A page in the browser: drop an image, see who of a gallery it is.

    python tools/serve.py work_dirs/demo --gallery data/synthetic/bounding_box_test
    python tools/serve.py CONFIG CHECKPOINT --index FOLDER --port 7861

It is served to this machine alone and asks nothing of any other. Needs gradio and faiss:
pip install "reid_fusedloss[search,web]".
"""
import argparse

from mmengine.config import DictAction

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.search import load_index
from reid_fusedloss.web import Answers, build_gallery, serve
from reid_fusedloss.web.gallery import PATTERN, missing_files


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', metavar='CONFIG | WORK_DIR')
    parser.add_argument('checkpoint', nargs='?', help='default: the latest of the work_dir')
    gallery = parser.add_mutually_exclusive_group(required=True)
    gallery.add_argument('--gallery', nargs='+', metavar='PATH',
                         help='images, folders and globs, whose features are computed now')
    gallery.add_argument('--index', metavar='FOLDER', help='a gallery that is on the disk')
    parser.add_argument('--pattern', default=PATTERN, help='where the name of a file in --gallery '
                        'has identity and camera; default: %(default)s')
    parser.add_argument('--port', type=int, default=7860, help='0: a free one')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on; default: this '
                        'machine alone')
    parser.add_argument('--device')
    parser.add_argument('--trust-checkpoint', action='store_true',
                        help='load files that can run code; only for files you trust')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    trust_checkpoints(args.trust_checkpoint)
    inferencer = ReIDInferencer(args.source, args.checkpoint, args.device,
                                options=args.cfg_options)
    if args.index:
        index = load_index(args.index)
        missing = list(missing_files(index))
        if missing:
            print(f'{len(missing)} of {len(index)} entries have no file here, such as '
                  f'{missing[0]}: they are shown without a picture')
    else:
        index, unreadable = build_gallery(inferencer, args.gallery, args.pattern)
        for reason in unreadable.values():
            print(f'left out: {reason}')
    inferencer.progress = False
    serve(Answers(inferencer, index), args.port, args.host)


if __name__ == '__main__':
    main()
