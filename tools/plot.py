#!/usr/bin/env python
"""Draw the results of runs.

    python tools/plot.py figure2 --root work_dirs/ablation     batch sizes, ours and the paper's
    python tools/plot.py curves work_dirs/a work_dirs/b        training curves
    python tools/plot.py distances baseline.npz fused.npz      within and between identities
    python tools/plot.py cmc CONFIG CHECKPOINT --dataset market1501
    python tools/plot.py embedding fused.npz --num-ids 8       a few identities in the plane

A model is an .npz file of features (see tools/evaluate_features.py), or CONFIG CHECKPOINT; their
features are then written to features[_DATASET]/ in the checkpoint's folder, for the next picture.
"""
import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from mmengine.config import DictAction
from mmengine.runner import Runner

from reid_fusedloss.engine.arguments import suffix
from reid_fusedloss.engine.config import load_config
from reid_fusedloss.engine.testing import (adopt_identities, check_weights, drop_start_weights,
                                           read_weights)
from reid_fusedloss.evaluation.embeddings_file import FeatureSet, load_features
from reid_fusedloss.functional import distance_blocks, rank_blocks, rerank_blocks
from reid_fusedloss.loading import add_trust_argument, trust_checkpoints
from reid_fusedloss.visualization import save_curves
from reid_fusedloss.visualization.batch_sizes import read_panels, save_batch_sizes
from reid_fusedloss.visualization.comparisons import save_cmc, save_distances
from reid_fusedloss.visualization.embedding import (METHODS, choose_identities, project,
                                                    save_embedding)
from reid_fusedloss.visualization.pair_distances import pair_distances
from reid_fusedloss.visualization.panels import distinct_names
from reid_fusedloss.visualization.run_curves import save_run_curves

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest='command', required=True)
    figure2 = commands.add_parser('figure2', help='R1 and mAP over batch sizes')
    figure2.add_argument('--root', required=True,
                         help='folder of <dataset>[_<budget>]/table6/<row>/seed<k>')
    curves = commands.add_parser('curves', help='training curves of one or several runs')
    curves.add_argument('runs', nargs='+', metavar='WORK_DIR')
    distances = commands.add_parser('distances', help='distances within and between identities')
    cmc = commands.add_parser('cmc', help='cumulative matching characteristic')
    cmc.add_argument('--max-rank', type=int, default=20)
    cmc.add_argument('--rerank', action='store_true', help='re-ranked curves too (20, 6, 0.3)')
    embedding = commands.add_parser('embedding', help='a few identities in the plane')
    embedding.add_argument('--method', choices=METHODS, default='pca',
                           help='tsne needs scikit-learn')
    embedding.add_argument('--num-ids', type=int, default=8, help='identities, drawn by --seed')
    embedding.add_argument('--ids', nargs='+', metavar='PID', help='identities, instead')
    embedding.add_argument('--seed', type=int, default=0)
    for command in (distances, cmc, embedding):
        add_model_arguments(command)
    for name, command in commands.choices.items():
        command.add_argument('--out', default=f'{name}.png', help='picture; default: %(default)s')
        command.add_argument('--title', default='')
        if name != 'figure2':
            command.add_argument('--names', nargs='+', help='default: from the paths')
    return parser.parse_args()


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the pictures that are drawn from features."""
    parser.add_argument('models', nargs='+', metavar='FEATURES.npz | CONFIG CHECKPOINT')
    parser.add_argument('--distance', default='cosine', choices=['cosine', 'euclidean'])
    parser.add_argument('--dataset', help='of the checkpoints: market1501, ... or a path')
    parser.add_argument('--budget', help='of the checkpoints, see tools/test.py')
    add_trust_argument(parser)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')


def load_models(args: argparse.Namespace) -> dict[str, FeatureSet]:
    """Features by name of the model.

    Raises:
        FileNotFoundError: if a file of features does not exist.
        ValueError: if a config has no checkpoint, or the names do not fit.
    """
    trust_checkpoints(args.trust_checkpoint)
    paths, given = [], iter(args.models)
    for path in given:
        checkpoint = None if path.endswith('.npz') else next(given, None)
        if not path.endswith('.npz') and (checkpoint is None or not path.endswith('.py')):
            raise ValueError(f'{path} is neither an .npz file nor a config (.py) with a checkpoint '
                             'after it')
        if checkpoint is None and not Path(path).is_file():
            raise FileNotFoundError(f'no features at {path}: check the path')
        paths.append((path, checkpoint))
    names = name_all([checkpoint or path for path, checkpoint in paths], args.names)
    files = [path if checkpoint is None else extract(path, checkpoint, args)
             for path, checkpoint in paths]
    return dict(zip(names, map(load_features, files)))


def name_all(paths: list[str], names: Optional[list[str]]) -> list[str]:
    """The names given, or names from the paths."""
    if names is not None and (len(names) != len(paths) or len(set(names)) < len(names)):
        raise ValueError(f'{len(paths)} to draw need as many different --names, got {names}')
    return names or distinct_names(paths)


def extract(config: str, checkpoint: str, args: argparse.Namespace) -> Path:
    """Write the features of a checkpoint's test set by the Runner's test loop."""
    weights = read_weights(checkpoint)
    cfg = load_config(config, CONFIGS / '_base_' / 'datasets', args.dataset, args.cfg_options,
                      args.budget)
    folder = Path(checkpoint).parent / f'features{suffix(args.dataset, args.budget)}'
    path = folder / f'{Path(checkpoint).stem}.npz'
    cfg.load_from, cfg.resume, cfg.work_dir = checkpoint, False, str(folder)
    cfg.experiment_name = f'{path.stem}_{time.time_ns()}'
    cfg.test_evaluator = dict(type='reid_fusedloss.SaveEmbeddings', path=str(path))
    cfg.default_hooks.pop('report', None)
    drop_start_weights(cfg)
    adopt_identities(cfg, weights)
    runner = Runner.from_cfg(cfg)
    check_weights(runner.model, weights)
    runner.test()
    return path


def draw_curves(args: argparse.Namespace) -> Path:
    if len(args.runs) == 1 and args.names is None and not args.title:
        return save_curves(args.runs[0], args.out)
    names = name_all(args.runs, args.names)
    return save_run_curves(dict(zip(names, args.runs)), args.out, title=args.title)


def draw_distances(args: argparse.Namespace) -> Path:
    models = {name: pair_distances(model.query, model.gallery, *model.labels,
                                   distance=args.distance)
              for name, model in load_models(args).items()}
    for name, pairs in models.items():
        print(f'{name}: overlap {pairs.overlap:.2f} %, EER {pairs.eer:.2f} %, mean distance '
              f'{pairs.intra_mean:.4f} within, {pairs.inter_mean:.4f} between identities')
    return save_distances(models, args.out, distance=args.distance, title=args.title)


def draw_cmc(args: argparse.Namespace) -> Path:
    curves, notes = {}, {}
    for name, model in load_models(args).items():
        for label, blocks in rankings(model, args):
            result = rank_blocks(blocks, *model.labels)
            label = f'{name}{label}'
            curves[label] = result.cmc(args.max_rank)
            notes[label] = f'mAP {result.summarise()["mAP"]:.1f}'
    return save_cmc(curves, args.out, notes=notes, title=args.title)


def rankings(model: FeatureSet, args: argparse.Namespace) -> Iterator[tuple[str, Iterator]]:
    """Distances, plain and re-ranked, with what they are called."""
    yield '', distance_blocks(model.query, model.gallery, args.distance)
    if args.rerank:
        yield ', re-ranked', rerank_blocks(model.query, model.gallery)


def draw_embedding(args: argparse.Namespace) -> Path:
    models = load_models(args)
    first = next(iter(models.values()))
    pids = first.query_pids.dtype.type
    chosen = [pids(pid) for pid in args.ids or ()] or choose_identities(
        first.query_pids, first.gallery_pids, args.num_ids, args.seed)
    projections = {
        name: project(model.query, model.gallery, model.query_pids, model.gallery_pids, chosen,
                      method=args.method, distance=args.distance, seed=args.seed)
        for name, model in models.items()}
    return save_embedding(projections, args.out, title=args.title)


def draw_figure2(args: argparse.Namespace) -> Path:
    sizes, panels = read_panels(args.root, CONFIGS / 'paper' / 'metafile.yml')
    return save_batch_sizes(sizes, panels, args.out, title=args.title)


def main() -> None:
    args = parse_args()
    draw = dict(figure2=draw_figure2, curves=draw_curves, distances=draw_distances, cmc=draw_cmc,
                embedding=draw_embedding)
    print(f'drawn: {draw[args.command](args)}')


if __name__ == '__main__':
    main()
