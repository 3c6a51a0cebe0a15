"""Draw the same queries under two models, from the ranking lists of two tests.

    reid-fusedloss ranking work_dirs/baseline/test work_dirs/fused/test out.png

No model is needed. Frames: blue and solid for the query's identity, orange and dashed for another.
"""

import argparse

ORDERS = ('gain', 'loss', 'spread')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'first', help='test of the baseline: its work_dir, or a JSON file of ranking lists'
    )
    parser.add_argument('second', help='test of the other model, on the same test set')
    parser.add_argument('out', help='picture to write, .png')
    parser.add_argument('--names', nargs=2, metavar='NAME', help='default: from the paths')
    parser.add_argument(
        '--order',
        choices=ORDERS,
        default='gain',
        help='which queries: those with the largest gain in AP, '
        'those with the largest loss, or spread evenly between both',
    )
    parser.add_argument('--ids', nargs='+', metavar='PID', help='show these identities instead')
    parser.add_argument('--num-queries', type=int, default=4)
    parser.add_argument('--topk', type=int, default=10, help='gallery images per row')
    parser.add_argument('--width', type=int, default=1200, help='in pixels, about')
    parser.add_argument('--data-root', default='', help='prepended to relative image paths')
