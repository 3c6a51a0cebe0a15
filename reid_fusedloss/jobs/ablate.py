"""Train and test the rows of the paper's tables."""

import argparse
import shlex
from pathlib import Path

from ..commands import STOPPED
from ..experiments import Ablation, Choices, find_configs, plan, settle
from ..experiments.process import interrupt_on_signals
from ..loading import trust_checkpoints
from ..printable import tell


def run(args: argparse.Namespace) -> int:
    """Run the rows; return 1 if some failed, 130 if stopped."""
    interrupt_on_signals()
    trust_checkpoints(args.trust_checkpoint)
    run_with = (args.amp, args.num_processes, args.trust_checkpoint)
    choices = Choices(args.dataset, args.budget, tuple(args.cfg_options), *run_with)
    rows = plan(find_configs(args.rows), args.seeds, choices, Path(args.root))
    settle(rows, args.redo)
    command = shlex.join(['reid-fusedloss', 'ablate', *args.argv])
    ablation = Ablation(
        rows, choices, choices.base(Path(args.root)), command, args.keep_checkpoints
    )
    try:
        failed = ablation.run()
    except KeyboardInterrupt:
        print('Stopped; the same command continues from the last checkpoint.')
        return STOPPED
    if failed:
        print(f'{len(failed)} of {len(rows)} failed:')
        for name, problem in failed.items():
            tell(f'  {name}: {problem}')
    return 1 if failed else 0
