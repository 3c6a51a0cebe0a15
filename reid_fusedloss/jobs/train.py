"""Train a config."""

import argparse
from pathlib import Path

from mmengine.runner import Runner

from ..distributed import leave_processes
from ..engine.config import (
    count_identities,
    is_our_loop,
    join_processes,
    load_config,
    resume,
    split_batch,
    suffix,
    use_amp,
)
from ..engine.work_dir import check_work_dir
from ..loading import trust_checkpoints


def run(args: argparse.Namespace) -> None:
    trust_checkpoints(args.trust_checkpoint)
    cfg = load_config(args.config, args.dataset, args.cfg_options, args.budget)
    split_batch(cfg, join_processes(cfg, args.launcher), args.batch_per_process)
    if not is_our_loop(cfg):
        count_identities(cfg)
    if args.amp:
        use_amp(cfg)
    cfg.work_dir = args.work_dir or cfg.get(
        'work_dir', f'work_dirs/{Path(args.config).stem}{suffix(args.dataset, args.budget)}'
    )
    check_work_dir(cfg.work_dir)
    if args.resume is not None:
        resume(cfg, args.resume, args.new_schedule)
    elif args.new_schedule:
        raise ValueError('--new-schedule is for a resumed training: add --resume')
    Runner.from_cfg(cfg).train()
    leave_processes()
