"""Draw what a model looks at."""

import argparse
from dataclasses import replace
from pathlib import Path

from ..apis import ReIDInferencer
from ..apis.sources import find_paths
from ..explain import Explainer
from ..loading import trust_checkpoints
from ..printable import tell, tell_unreadable
from ..visualization.attention import save_attention

MEANINGS = dict(
    energy='energy: strength of the last feature map',
    similarity='similarity: Grad-CAM of the cosine similarity with the query',
    identity='identity: Grad-CAM of the score of a training identity',
)


def check(args: argparse.Namespace) -> None:
    if args.against and 'similarity' not in (args.methods or ['similarity']):
        raise ValueError('--against is for the method similarity: add it to --methods')
    if args.identity is not None and 'identity' not in (args.methods or []):
        raise ValueError('--identity is for the method identity: add it to --methods')
    if args.num_images < 1:
        raise ValueError(f'--num-images {args.num_images} must be at least 1')


def run(args: argparse.Namespace) -> int:
    """Draw the images; return 1 if none could be read."""
    check(args)
    trust_checkpoints(args.trust_checkpoint)
    methods = args.methods or ['energy', *(['similarity'] if args.against else [])]
    paths = find_paths(args.images, args.recursive)
    if len(paths) > args.num_images:
        print(f'{len(paths)} images: the first {args.num_images} are drawn (--num-images)')
    inferencer = ReIDInferencer(
        args.source,
        args.checkpoint,
        args.device,
        batch_size=16,
        progress=False,
        options=args.cfg_options,
    )
    explainer = Explainer(inferencer, args.layer)
    found = explainer(
        paths[: args.num_images], methods, against=args.against, identity=args.identity
    )
    tell_unreadable(explainer.unreadable)
    if not found:
        return 1
    if args.against:
        (query,) = explainer(args.against, methods, against=found[0].name)
        note = f'{query.note} with {Path(found[0].name).name}' if query.note else ''
        found.insert(0, replace(query, name=f'query {Path(args.against).name}', note=note))
    caption = '; '.join(MEANINGS[method] for method in methods)
    title = args.title or f'what {Path(args.source).stem} looks at'
    path = save_attention(found, args.out, title=title, caption=caption, width=args.width)
    tell(f'drawn: {path}')
    return 0
