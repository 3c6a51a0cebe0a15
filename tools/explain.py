#!/usr/bin/env python
"""Draw what a model looks at: attention over images, one image or many.

    python tools/explain.py work_dirs/demo --images FOLDER                   energy of the last map
    python tools/explain.py work_dirs/demo --images gallery.jpg --against query.jpg       + Grad-CAM
    python tools/explain.py CONFIG CHECKPOINT --images a.jpg b.jpg --methods energy identity

energy: where the backbone's last map is strong; needs no gradient and no class. similarity: where
an image is like another (--against), by Grad-CAM of their cosine similarity. identity: what speaks
for a training identity, by Grad-CAM of the classifier. Grad-CAM: pip install -e ".[cam]".

Exit status: 0 done, also if some images were unreadable; 1 not one could be read; 2 wrong arguments
or files.
"""
import argparse
import sys
from dataclasses import replace
from pathlib import Path

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.apis.sources import find_paths
from reid_fusedloss.engine.arguments import add_trained_model_arguments
from reid_fusedloss.explain import METHODS, Explainer
from reid_fusedloss.printable import printable, tell_unreadable
from reid_fusedloss.visualization.attention import AttentionMaps, save_attention

MEANINGS = dict(energy='energy: strength of the last feature map',
                similarity='similarity: Grad-CAM of the cosine similarity with the query',
                identity='identity: Grad-CAM of the score of a training identity')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_trained_model_arguments(parser)
    parser.add_argument('--images', nargs='+', required=True, metavar='PATH',
                        help='images, folders and globs')
    parser.add_argument('--recursive', action='store_true', help='look into folders of folders')
    parser.add_argument('--against', metavar='IMAGE', help='image that all are compared with')
    parser.add_argument('--methods', nargs='+', choices=METHODS,
                        help='default: energy, and similarity where there is --against')
    parser.add_argument('--identity', type=int, help='class to explain; default: the best of each')
    parser.add_argument('--layer', help='of the backbone, such as backbone.layer3; default: the '
                        'one that gives the last map')
    parser.add_argument('--num-images', type=int, default=24, help='most that are drawn')
    parser.add_argument('--out', default='attention.png', help='picture; default: %(default)s')
    parser.add_argument('--title', default='')
    parser.add_argument('--width', type=int, default=1200, help='in pixels, about')
    return parser.parse_intermixed_args()


def explain_query(explainer: Explainer, query: str, methods: list[str],
                  image: str) -> AttentionMaps:
    """The other side of the comparison: the query against an image."""
    found, = explainer(query, methods, against=image)
    return replace(found, name=f'query {Path(query).name}',
                   note=f'{found.note} with {Path(image).name}' if found.note else '')


def run(args: argparse.Namespace) -> int:
    if args.against and 'similarity' not in (args.methods or ['similarity']):
        raise ValueError('--against is for the method similarity: add it to --methods')
    if args.identity is not None and 'identity' not in (args.methods or []):
        raise ValueError('--identity is for the method identity: add it to --methods')
    if args.num_images < 1:
        raise ValueError(f'--num-images {args.num_images} must be at least 1')
    trust_checkpoints(args.trust_checkpoint)
    methods = args.methods or ['energy', *(['similarity'] if args.against else [])]
    paths = find_paths(args.images, args.recursive)
    if len(paths) > args.num_images:
        print(f'{len(paths)} images: the first {args.num_images} are drawn (--num-images)')
    inferencer = ReIDInferencer(args.source, args.checkpoint, args.device, batch_size=16,
                                progress=False, options=args.cfg_options)
    explainer = Explainer(inferencer, args.layer)
    found = explainer(paths[:args.num_images], methods, against=args.against,
                      identity=args.identity)
    tell_unreadable(explainer.unreadable)
    if not found:
        return 1
    if args.against:
        found.insert(0, explain_query(explainer, args.against, methods, found[0].name))
    caption = '; '.join(MEANINGS[method] for method in methods)
    title = args.title or f'what {Path(args.source).stem} looks at'
    path = save_attention(found, args.out, title=title, caption=caption, width=args.width)
    print(printable(f'drawn: {path}'))
    return 0


def main() -> int:
    try:
        return run(parse_args())
    except (OSError, ImportError, TypeError, ValueError) as error:
        print(f'{Path(sys.argv[0]).name}: error: {error}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
