#!/usr/bin/env python
"""Train a config: python tools/train.py configs/fusedloss_r50.py --dataset market1501"""
import argparse
from pathlib import Path

from mmengine.runner import Runner

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.engine.arguments import add_run_arguments, suffix
from reid_fusedloss.engine.config import (count_identities, join_processes, leave_processes,
                                          load_config, resume, split_batch, use_amp)
from reid_fusedloss.engine.work_dir import check_work_dir

DATASETS_DIR = Path(__file__).resolve().parents[1] / 'configs' / '_base_' / 'datasets'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a ReID model.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where to write; default: work_dirs/CONFIG[_DATASET][_BUDGET]')
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='go on from the latest checkpoint of the work_dir, or from this one')
    parser.add_argument('--new-schedule', action='store_true',
                        help='with --resume: take learning rate, weight decay and schedules from '
                        'the config, as they would stand after the steps of the checkpoint')
    parser.add_argument('--amp', action='store_true',
                        help='mixed precision: float16 on a GPU, bfloat16 on a CPU')
    parser.add_argument('--batch-per-process', action='store_true',
                        help="take the config's batch_size for each process, not as the total")
    add_run_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    trust_checkpoints(args.trust_checkpoint)
    cfg = load_config(args.config, DATASETS_DIR, args.dataset, args.cfg_options, args.budget)
    world_size = join_processes(cfg, args.launcher)
    if not args.batch_per_process:
        split_batch(cfg, world_size)
    if args.amp:
        use_amp(cfg)
    cfg.work_dir = args.work_dir or cfg.get(
        'work_dir', f'work_dirs/{Path(args.config).stem}{suffix(args.dataset, args.budget)}')
    check_work_dir(cfg.work_dir)
    if args.resume is not None:
        resume(cfg, args.resume, args.new_schedule)
    elif args.new_schedule:
        raise ValueError('--new-schedule is for a training that goes on: add --resume')
    count_identities(cfg)
    Runner.from_cfg(cfg).train()
    leave_processes()


if __name__ == '__main__':
    main()
