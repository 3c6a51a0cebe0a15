#!/usr/bin/env python
"""Train and test rows of the paper's tables, one after another; the same command goes on.

    python tools/ablate.py --rows configs/paper/table2 configs/paper/table3 --seeds 0 1 2 \\
        --dataset market1501 --budget cpu_market
"""
import argparse
import shlex
import sys
from pathlib import Path

from reid_fusedloss.experiments import Ablation, Choices, find_configs, plan, settle
from reid_fusedloss.experiments.process import interrupt_on_signals
from reid_fusedloss.loading import add_trust_argument, trust_checkpoints

TOOLS = Path(__file__).resolve().parent
DATASETS_DIR = TOOLS.parent / 'configs' / '_base_' / 'datasets'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rows', nargs='+', required=True,
                        help='configs, or folders of them such as configs/paper/table2')
    parser.add_argument('--dataset', required=True, help='as for tools/train.py')
    parser.add_argument('--budget', help='as for tools/train.py')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--root', default='work_dirs',
                        help='runs go to ROOT/DATASET[_BUDGET]/TABLE/ROW/seedK')
    parser.add_argument('--amp', action='store_true', help='mixed precision in training')
    parser.add_argument('--processes', type=int, default=1, help='of each training and test')
    parser.add_argument('--redo', action='store_true',
                        help='throw away and run again the rows whose config has changed')
    parser.add_argument('--keep-checkpoints', action='store_true',
                        help="keep all of a finished row's, not the last epoch's alone")
    add_trust_argument(parser)
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='set single keys of every config')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    interrupt_on_signals()
    trust_checkpoints(args.trust_checkpoint)
    choices = Choices(args.dataset, args.budget, tuple(args.cfg_options), args.amp, args.processes,
                      args.trust_checkpoint)
    rows = plan(find_configs(args.rows), args.seeds, choices, Path(args.root), DATASETS_DIR)
    settle(rows, args.redo)
    command = shlex.join(['python', 'tools/ablate.py', *sys.argv[1:]])
    ablation = Ablation(rows, choices, choices.base(Path(args.root)), TOOLS, command,
                        args.keep_checkpoints)
    try:
        failed = ablation.run()
    except KeyboardInterrupt:
        print('Stopped; the same command goes on from the last checkpoint.')
        return 130
    if failed:
        print(f'{len(failed)} of {len(rows)} failed:')
        for name, problem in failed.items():
            print(f'  {name}: {problem}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
