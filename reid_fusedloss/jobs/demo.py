"""Run the demo: a small example of training and testing."""

import argparse
import time

from mmengine.runner import Runner

from ..engine.checkpoints import latest_checkpoint
from ..engine.config import load_config, use_amp
from ..engine.work_dir import check_work_dir
from ..printable import tell


def build_runner(config: str, work_dir: str, checkpoint: str | None = None) -> Runner:
    """Build the demo's Runner, in mixed precision, with a checkpoint's weights if given."""
    cfg = load_config(config)
    use_amp(cfg)
    cfg.work_dir = work_dir
    cfg.load_from = checkpoint
    return Runner.from_cfg(cfg)


def run(args: argparse.Namespace) -> None:
    """Test untrained, train, test, and print where the pictures are."""
    start = time.monotonic()
    check_work_dir(args.work_dir)
    untrained = build_runner(args.config, f'{args.work_dir}/untrained').test()
    build_runner(args.config, args.work_dir).train()
    last = latest_checkpoint(args.work_dir)
    trained = build_runner(args.config, f'{args.work_dir}/test', last).test()
    print(
        f'\nDone in {time.monotonic() - start:.0f} s. People that training never saw, in percent:\n'
    )
    print(f'{"":24}{"R1":>7}{"mAP":>7}{"mINP":>7}')
    for name, scores, prefix in (
        ('untrained', untrained, 'reid'),
        ('trained', trained, 'reid'),
        ('trained, re-ranked', trained, 'rerank'),
    ):
        figures = ''.join(f'{scores[f"{prefix}/{key}"]:7.1f}' for key in ('R1', 'mAP', 'mINP'))
        print(f'{name:24}{figures}')
    print('\nLook at')
    for picture in ('curves.png', 'test/ranking_lists/reid.png', 'test/ranking_lists/rerank.png'):
        tell(f'  {args.work_dir}/{picture}')
