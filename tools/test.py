#!/usr/bin/env python
"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT --dataset market1501"""
import argparse
from pathlib import Path

from mmengine.runner import Runner

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.engine.arguments import add_run_arguments, dataset_suffix
from reid_fusedloss.engine.config import (adopt_identities, check_backbone, join_processes,
                                          load_config, read_weights)

DATASETS_DIR = Path(__file__).resolve().parents[1] / 'configs' / '_base_' / 'datasets'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a ReID model: mAP, CMC, mINP, re-ranked.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir',
                        help="where to write; default: test[_DATASET] in the checkpoint's folder")
    add_run_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    trust_checkpoints(args.trust_checkpoint)
    cfg = load_config(args.config, DATASETS_DIR, args.dataset, args.cfg_options)
    join_processes(cfg, args.launcher)
    weights = read_weights(args.checkpoint)
    adopt_identities(cfg, weights)
    cfg.model.backbone.init_cfg = None
    cfg.load_from = args.checkpoint
    cfg.resume = False
    suffix = dataset_suffix(args.dataset)
    cfg.work_dir = args.work_dir or str(Path(args.checkpoint).parent / f'test{suffix}')
    runner = Runner.from_cfg(cfg)
    check_backbone(runner.model, weights)
    runner.test()


if __name__ == '__main__':
    main()
