"""Draw the results of runs."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from mmengine.runner import Runner

from ..engine.config import load_config, suffix
from ..engine.testing import (
    adopt_identities,
    check_weights,
    drop_start_weights,
    read_weights,
    tested_pipeline,
)
from ..evaluation.embeddings_file import FeatureSet, load_features
from ..functional import DirAtFpir, distance_blocks, rank_blocks, rerank_blocks
from ..loading import trust_checkpoints
from ..printable import tell
from ..scope import configs_dir
from ..visualization import save_curves
from ..visualization.batch_sizes import read_panels, save_batch_sizes
from ..visualization.comparisons import save_cmc, save_distances, save_open_set
from ..visualization.embedding import choose_identities, project, save_embedding
from ..visualization.pair_distances import pair_distances
from ..visualization.panels import distinct_names
from ..visualization.run_curves import save_run_curves


def load_models(args: argparse.Namespace) -> dict[str, FeatureSet]:
    """Load the features of each model, by the model's name.

    Raises:
        FileNotFoundError: if a file of features does not exist.
        ValueError: if a config has no checkpoint, or the names are not one per model.
    """
    trust_checkpoints(args.trust_checkpoint)
    paths, given = [], iter(args.models)
    for path in given:
        checkpoint = None if path.endswith('.npz') else next(given, None)
        if not path.endswith('.npz') and (checkpoint is None or not path.endswith('.py')):
            raise ValueError(
                f'{path} must be an .npz file, or a config (.py) followed by its checkpoint'
            )
        if checkpoint is None and not Path(path).is_file():
            raise FileNotFoundError(f'no features at {path}: check the path')
        paths.append((path, checkpoint))
    names = name_all([checkpoint or path for path, checkpoint in paths], args.names)
    files = [
        path if checkpoint is None else extract(path, checkpoint, args)
        for path, checkpoint in paths
    ]
    return dict(zip(names, map(load_features, files)))


def name_all(paths: list[str], names: list[str] | None) -> list[str]:
    """Return the given names, or names from the paths."""
    if names is not None and (len(names) != len(paths) or len(set(names)) < len(names)):
        raise ValueError(f'--names must be {len(paths)} different names, got {names}')
    return names or distinct_names(paths)


def extract(config: str, checkpoint: str, args: argparse.Namespace) -> Path:
    """Write the features of a checkpoint's test set with the Runner's test loop."""
    weights = read_weights(checkpoint)
    cfg = load_config(config, args.dataset, args.cfg_options, args.budget)
    folder = Path(checkpoint).parent / f'features{suffix(args.dataset, args.budget)}'
    path = folder / f'{Path(checkpoint).stem}.npz'
    cfg.load_from, cfg.resume, cfg.work_dir = checkpoint, False, str(folder)
    cfg.experiment_name = f'{path.stem}_{time.time_ns()}'
    tested_pipeline(cfg)
    if 'parts' in cfg.test_dataloader.dataset:
        several = f'{config} tests several data sets: name the one to draw with --dataset'
        raise ValueError(f'{several}, got {args.dataset}')
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
    models = {
        name: pair_distances(model.query, model.gallery, *model.labels, distance=args.distance)
        for name, model in load_models(args).items()
    }
    for name, pairs in models.items():
        tell(
            f'{name}: overlap {pairs.overlap:.2f} %, EER {pairs.eer:.2f} %, mean distance '
            f'{pairs.intra_mean:.4f} within, {pairs.inter_mean:.4f} between identities'
        )
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


def draw_open_set(args: argparse.Namespace) -> Path:
    curves, notes, captions = {}, {}, []
    for name, model in load_models(args).items():
        observer = DirAtFpir(strangers=args.strangers, trials=args.trials, seed=args.seed)
        blocks = distance_blocks(model.query, model.gallery, args.distance)
        rank_blocks(blocks, *model.labels, observers=[observer])
        curves[name] = observer.curve()
        notes[name] = ', '.join(
            f'DIR {observer.at(fpir):.1f} at FPIR {100 * fpir:g} %'
            for fpir in observer.fpirs
            if fpir >= curves[name][0][0]
        )
        captions.append(observer.describe())
        print(f'{name}: {notes[name]}; {captions[-1]}')
    one = len(set(captions)) == 1
    caption = captions[0] if one else '; '.join(map(': '.join, zip(curves, captions)))
    return save_open_set(curves, args.out, notes=notes, caption=caption, title=args.title)


def rankings(model: FeatureSet, args: argparse.Namespace) -> Iterator[tuple[str, Iterator]]:
    """Yield the label and the blocks of distances, plain and re-ranked."""
    yield '', distance_blocks(model.query, model.gallery, args.distance)
    if args.rerank:
        yield ', re-ranked', rerank_blocks(model.query, model.gallery)


def draw_embedding(args: argparse.Namespace) -> Path:
    models = load_models(args)
    first = next(iter(models.values()))
    pids = first.query_pids.dtype.type
    chosen = [pids(pid) for pid in args.ids or ()] or choose_identities(
        first.query_pids, first.gallery_pids, args.num_ids, args.seed
    )
    options = dict(method=args.method, distance=args.distance, seed=args.seed)
    projections = {
        name: project(model.query, model.gallery, *model.labels[:2], chosen, **options)
        for name, model in models.items()
    }
    return save_embedding(projections, args.out, title=args.title)


def draw_figure2(args: argparse.Namespace) -> Path:
    found = read_panels(args.root, configs_dir() / 'paper' / 'metafile.yml')
    return save_batch_sizes(*found, args.out, title=args.title)


DRAW = {
    'figure2': draw_figure2,
    'curves': draw_curves,
    'distances': draw_distances,
    'cmc': draw_cmc,
    'embedding': draw_embedding,
    'open-set': draw_open_set,
}


def run(args: argparse.Namespace) -> None:
    """Draw a picture, and print where it is."""
    tell(f'drawn: {DRAW[args.command](args)}')
