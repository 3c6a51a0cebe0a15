"""Evaluate features from a file with the metric of `test`.

    reid-fusedloss evaluate features.npz --rerank
    reid-fusedloss evaluate features.npz --open-set fpir=0.01,0.1 gallery_sizes=1000,5000
    reid-fusedloss evaluate features.npz --pool by=pid_camid junk=True
    reid-fusedloss evaluate ltcc.npz --protocol clothes_changing
    reid-fusedloss evaluate street.npz --reassociate gap=30

The file holds query_f (Q, C), gallery_f (G, C), query_label, gallery_label and, where there are
cameras, query_cam and gallery_cam, as `test --save-features` writes it; for some protocols also
query_clothes, query_track, query_image and those of the gallery. With --reassociate it holds
features and names of the boxes of tracks in videos, as `extract VIDEO --boxes` writes it.
"""

import argparse

from .arguments import add_key_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('features', help='.npz file')
    parser.add_argument('--distance', default='cosine', choices=['cosine', 'euclidean'])
    parser.add_argument('--ap', default='ir', choices=['ir', 'trapezoid'])
    add_protocol_arguments(parser)
    parser.add_argument('--rerank', action='store_true', help='re-rank as well (20, 6, 0.3)')
    add_report_arguments(parser)
    text = 'expand first; k=5 alpha=3 times=1 expand_gallery=True'
    add_key_values(parser, '--query-expansion', text, '*')
    parser.add_argument('--backend', default='auto', choices=['auto', 'numpy', 'torch'])
    parser.add_argument('--device', default='cpu', help='where distances are computed')


def add_protocol_arguments(parser: argparse.ArgumentParser) -> None:
    """What is ranked, and what is left out."""
    parser.add_argument(
        '--protocol',
        nargs='+',
        default=['same_camera'],
        metavar='NAME|KEY=VALUE',
        help='what is left out of a ranking, and what is drawn; such as clothes_changing, '
        'leave_one_out, vehicleid trials=10 seed=0, camera_pairs pairs=2+3 cameras=1,2 trials=10, '
        'or my_package.rules.junk; see docs/protocols.md',
    )
    pool = (
        'several images as one: by=track, or by=pid_camid (queries); how=mean, quality, or '
        'best k=4; junk=True'
    )
    add_key_values(parser, '--pool', pool)
    reassociate = 'instead: who comes back after gap=30 frames? rank-1 and MRR of the tracks'
    add_key_values(parser, '--reassociate', reassociate)


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """What is reported beside the ranks."""
    parser.add_argument(
        '--tpr-at-fpr',
        nargs='+',
        type=float,
        default=(),
        metavar='FPR',
        help='verification, over pairs: such as 1e-4 1e-3 1e-2',
    )
    open_set = (
        'identification, over queries: DIR and FNIR at these FPIRs, with a part of the identities '
        'as strangers; fpir=0.01,0.1 strangers=0.5 trials=10 seed=0 gallery_sizes=1000,5000'
    )
    add_key_values(parser, '--open-set', open_set, '*')
    single_shot = 'single-gallery-shot CMC as well; trials=10 seed=0'
    add_key_values(parser, '--single-shot', single_shot, '*')
