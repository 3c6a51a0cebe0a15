#!/usr/bin/env python
"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT --dataset market1501 dukemtmc"""
import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import Tensor

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.engine.arguments import add_run_arguments, suffix
from reid_fusedloss.engine.config import join_processes, leave_processes, load_config
from reid_fusedloss.engine.testing import (adopt_identities, check_test_sets, check_weights,
                                           compare_rankings, drop_start_weights, flip_images,
                                           read_weights, tested_pipeline)
from reid_fusedloss.evaluation import metrics_table

DATASETS_DIR = Path(__file__).resolve().parents[1] / 'configs' / '_base_' / 'datasets'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a ReID model: mAP, CMC, mINP, re-ranked.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help="where to write; default: test[_DATASET] in the "
                        "checkpoint's folder; with several data sets, a folder for each in it")
    parser.add_argument('--flip', action='store_true',
                        help='average the embeddings of an image and its mirror image')
    parser.add_argument('--compare', action='store_true',
                        help='rank by every feature of the head and every distance, and re-ranked')
    parser.add_argument('--save-features', nargs='?', const='features.npz', metavar='FILE.npz',
                        help='write the embeddings too, into the folder of the test')
    add_run_arguments(parser, several_datasets=True)
    return parser.parse_args()


def prepare(args: argparse.Namespace, weights: Mapping[str, Tensor],
            dataset: Optional[str]) -> Config:
    """Config of the test on one data set."""
    cfg = load_config(args.config, DATASETS_DIR, dataset, args.cfg_options, args.budget)
    cfg.load_from, cfg.resume = args.checkpoint, False
    folder = Path(args.work_dir or Path(args.checkpoint).parent)
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
        cfg.test_evaluator = [*evaluators, dict(
            type='reid_fusedloss.SaveEmbeddings', path=str(folder / args.save_features))]
    return cfg


def main() -> None:
    args = parse_args()
    args.dataset = args.dataset or [None]
    if len({suffix(dataset) for dataset in args.dataset}) < len(args.dataset):
        raise ValueError(f'--dataset names two sets alike: {args.dataset}')
    if len(args.dataset) > 1 and Path(args.save_features or '').is_absolute():
        raise ValueError(f'--save-features {args.save_features} would be written by each of '
                         f'{args.dataset}: give a name, it is put into the folder of each test')
    trust_checkpoints(args.trust_checkpoint)
    weights = read_weights(args.checkpoint)
    configs = {dataset: prepare(args, weights, dataset) for dataset in args.dataset}
    if len(configs) > 1:
        check_test_sets(configs.values())
    scores = {}
    for dataset, cfg in configs.items():
        runner = Runner.from_cfg(cfg)
        check_weights(runner.model, weights)
        scores[Path(dataset or '').stem] = runner.test()
    if is_main_process():
        print(f'\n{metrics_table(scores)}')
    leave_processes()


if __name__ == '__main__':
    main()
