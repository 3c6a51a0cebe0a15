"""Evaluate features from a file with the metric of `test`.

    reid-fusedloss evaluate features.npz --rerank
    reid-fusedloss evaluate features.npz --open-set fpir=0.01,0.1

The file holds query_f (Q, C), gallery_f (G, C), query_label, gallery_label and, where there are
cameras, query_cam and gallery_cam, as `test --save-features` writes it.
"""

import argparse

from .arguments import KeyValues


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `reid-fusedloss evaluate`."""
    parser.add_argument('features', help='.npz file')
    parser.add_argument('--distance', default='cosine', choices=['cosine', 'euclidean'])
    parser.add_argument('--ap', default='ir', choices=['ir', 'trapezoid'])
    parser.add_argument('--rerank', action='store_true', help='re-rank as well (20, 6, 0.3)')
    parser.add_argument(
        '--tpr-at-fpr',
        nargs='+',
        type=float,
        default=(),
        metavar='FPR',
        help='verification, over pairs: such as 1e-4 1e-3 1e-2',
    )
    parser.add_argument(
        '--open-set',
        nargs='*',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='identification, over queries: DIR and FNIR at these FPIRs, with a '
        'part of the identities as strangers; fpir=0.01,0.1 strangers=0.5 '
        'trials=10 seed=0',
    )
    parser.add_argument(
        '--single-shot',
        nargs='*',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='single-gallery-shot CMC as well; trials=10 seed=0',
    )
    parser.add_argument(
        '--query-expansion',
        nargs='*',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='expand first; k=5 alpha=3 times=1 expand_gallery=True',
    )
    parser.add_argument('--backend', default='auto', choices=['auto', 'numpy', 'torch'])
    parser.add_argument('--device', default='cpu', help='where distances are computed')
