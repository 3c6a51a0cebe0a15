"""Draw the results of runs.

    reid-fusedloss plot figure2 --root work_dirs/ablation    batch sizes, ours and the paper's
    reid-fusedloss plot curves work_dirs/a work_dirs/b       training curves
    reid-fusedloss plot distances baseline.npz fused.npz     within and between identities
    reid-fusedloss plot cmc CONFIG CHECKPOINT --dataset market1501
    reid-fusedloss plot open-set baseline.npz fused.npz      strangers and known people
    reid-fusedloss plot embedding fused.npz --num-ids 8      a few identities in 2-D

A model is an .npz file of features (see `evaluate`), or CONFIG CHECKPOINT; its features are then
saved in features[_DATASET]/ in the checkpoint's folder, to be used for other pictures.
"""

import argparse

from .arguments import add_loading_arguments

METHODS = ('pca', 'tsne')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest='command', required=True)
    figure2 = commands.add_parser('figure2', help='R1 and mAP over batch sizes')
    figure2.add_argument(
        '--root', required=True, help='folder of <dataset>[_<budget>]/table6/<row>/seed<k>'
    )
    curves = commands.add_parser('curves', help='training curves of one or several runs')
    curves.add_argument('runs', nargs='+', metavar='WORK_DIR')
    distances = commands.add_parser('distances', help='distances within and between identities')
    cmc = commands.add_parser('cmc', help='cumulative matching characteristic')
    cmc.add_argument('--max-rank', type=int, default=20)
    cmc.add_argument('--rerank', action='store_true', help='re-ranked curves too (20, 6, 0.3)')
    open_set = commands.add_parser(
        'open-set', help='known people identified over strangers misidentified (DIR over FPIR)'
    )
    open_set.add_argument(
        '--strangers',
        type=float,
        default=0.5,
        metavar='SHARE',
        help='of the identities, left out of the gallery; default: %(default)s',
    )
    open_set.add_argument('--trials', type=int, default=10, help='number of splits to average')
    open_set.add_argument('--seed', type=int, default=0, help='of the splits')
    embedding = commands.add_parser('embedding', help='a few identities in 2-D')
    embedding.add_argument(
        '--method', choices=METHODS, default='pca', help='tsne needs scikit-learn'
    )
    embedding.add_argument('--num-ids', type=int, default=8, help='identities, drawn by --seed')
    embedding.add_argument('--ids', nargs='+', metavar='PID', help='identities, instead')
    embedding.add_argument('--seed', type=int, default=0)
    for command in (distances, cmc, open_set, embedding):
        _add_model_arguments(command)
    for name, command in commands.choices.items():
        command.add_argument('--out', default=f'{name}.png', help='picture; default: %(default)s')
        command.add_argument('--title', default='')
        if name != 'figure2':
            command.add_argument('--names', nargs='+', help='default: from the paths')


def _add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of pictures that are drawn from features."""
    parser.add_argument('models', nargs='+', metavar='FEATURES.npz | CONFIG CHECKPOINT')
    parser.add_argument('--distance', default='cosine', choices=['cosine', 'euclidean'])
    parser.add_argument('--dataset', help='of the checkpoints: market1501, ... or a path')
    parser.add_argument('--budget', help='of the checkpoints, see `test`')
    add_loading_arguments(parser)
