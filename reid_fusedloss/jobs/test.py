"""Test a checkpoint on one data set or several."""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import Tensor

from ..distributed import leave_processes
from ..engine.config import join_processes, load_config, suffix, title
from ..engine.hooks import ProgressHook
from ..engine.testing import (
    adopt_identities,
    check_test_sets,
    check_weights,
    compare_rankings,
    drop_start_weights,
    flip_images,
    read_weights,
    tested_pipeline,
)
from ..evaluation import metrics_table
from ..functional import make_protocol
from ..loading import trust_checkpoints
from ..printable import printable
from ..zoo import find_trained, list_trained


def is_one_set(evaluators: Sequence[Mapping[str, Any]]) -> bool | None:
    """Return whether queries and gallery are the same images by a config's own protocol, if any."""
    asked = [each['protocol'] for each in evaluators if each.get('protocol') is not None]
    return any(make_protocol(protocol).one_set for protocol in asked) if asked else None


def prepare(args: argparse.Namespace, weights: Mapping[str, Tensor], dataset: str | None) -> Config:
    """Prepare the config of the test on one data set."""
    cfg = load_config(args.config, dataset, args.cfg_options, args.budget)
    cfg.load_from, cfg.resume = args.checkpoint, False
    folder = Path(args.work_dir or args.default_dir)
    if args.work_dir is None or len(args.dataset) > 1:
        folder /= f'test{suffix(dataset)}'
    cfg.work_dir = str(folder)
    cfg.experiment_name = f'{Path(args.config).stem}{suffix(dataset)}_{time.time_ns()}'
    join_processes(cfg, args.launcher)
    adopt_identities(cfg, weights)
    drop_start_weights(cfg)
    tested_pipeline(cfg)
    if args.compare:
        compare_rankings(cfg)
    if args.flip:
        flip_images(cfg)
    if args.save_features:
        evaluators = cfg.test_evaluator
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
        save = dict(path=str(folder / args.save_features), one_set=is_one_set(evaluators))
        cfg.test_evaluator = [*evaluators, dict(save, type='reid_fusedloss.SaveEmbeddings')]
    return cfg


def choose_checkpoint(args: argparse.Namespace) -> Path:
    """Set the checkpoint of a trained network that is given by name; return where tests go.

    Raises:
        ValueError: if a config has no checkpoint.
    """
    if args.checkpoint is not None:
        return Path(args.checkpoint).parent
    trained = None if Path(args.config).exists() else find_trained(args.config)
    if trained is None:
        raise ValueError(
            f'{args.config} needs a checkpoint: name its file, or test one of the trained networks '
            f'{sorted(list_trained())}'
        )
    args.config, args.checkpoint = str(trained.config), str(trained.weights())
    return Path('work_dirs', trained.name)


def run(args: argparse.Namespace) -> None:
    """Test, and print a table of all data sets."""
    args.dataset = args.dataset or [None]
    if len({suffix(dataset) for dataset in args.dataset}) < len(args.dataset):
        raise ValueError(f'--dataset must be data sets of different names, got {args.dataset}')
    if len(args.dataset) > 1 and Path(args.save_features or '').is_absolute():
        raise ValueError(
            f'--save-features {args.save_features} would be overwritten by each of '
            f'{args.dataset}: give a file name, for a file in the folder of each test'
        )
    trust_checkpoints(args.trust_checkpoint)
    args.default_dir = choose_checkpoint(args)
    weights = read_weights(args.checkpoint)
    configs = {dataset: prepare(args, weights, dataset) for dataset in args.dataset}
    if len(configs) > 1:
        check_test_sets(configs.values())
    scores = {}
    for dataset, cfg in configs.items():
        runner = Runner.from_cfg(cfg)
        check_weights(runner.model, weights)
        runner.register_hook(ProgressHook())
        scores[title(dataset) if dataset else ''] = runner.test()
    if is_main_process():
        print(printable(f'\n{metrics_table(scores)}', lines=True))
    leave_processes()
